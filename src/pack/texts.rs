//! The texts of a pack's self-test.

/// Texts in several scripts, code, and a text that is longer than the attention window of the
/// Granite models, which reveals a device with a wrong window.
pub const SELF_TEST: &[&str] = &[
    "A quiet harbour at dawn, before the boats go out.",
    "Der Regen hat die Straße in einen langen Spiegel verwandelt.",
    "山の上の小さな駅に、始発の列車が着いた。",
    "كتب الطالب رسالة قصيرة إلى جدته.",
    "let total = items.iter().map(|item| item.price).sum::<u64>(); // in cents",
    "The ferry leaves at seven, and whoever misses it waits until noon. On the quay a woman sells coffee \
     from a cart, two boys count the gulls on the roof of the customs house, and the man who mends the nets \
     tells everyone that the wind will turn. Nobody believes him, though he has been right all summer. When \
     the horn sounds, the ropes come off, the water widens between the wall and the hull, and the town \
     becomes small: first the faces, then the windows, then the church, until there is only a line of hills \
     and the smell of salt and diesel. Somewhere behind the point the sea begins, long and slow and grey.",
];
