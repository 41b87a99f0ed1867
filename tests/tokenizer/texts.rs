//! Strings of all kinds, drawn from a seed.

/// Numbers that look random and are the same everywhere (splitmix64).
pub struct Random(pub u64);

impl Random {
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ z >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ z >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ z >> 31) % limit as u64) as usize
    }

    pub fn pick<'a, T: ?Sized>(&mut self, from: &[&'a T]) -> &'a T {
        from[self.below(from.len())]
    }

    pub fn char_in(&mut self, first: u32, last: u32) -> char {
        loop {
            if let Some(c) = char::from_u32(first + self.below((last - first + 1) as usize) as u32) {
                return c;
            }
        }
    }
}

const WORDS: [&str; 32] = [
    "the",
    "Hello",
    "camelCase",
    "HTTPServer",
    "XMLHttpRequest",
    "snake_case",
    "ÉTÉ",
    "ÄpfelBaum",
    "Straße",
    "ǅungla",
    "ﬁn",
    "don't",
    "I'LL",
    "we'Ve",
    "it'ſ",
    "'twas",
    "o'clock",
    "naïve",
    "cafe\u{301}",
    "A\u{30a}ngstrom",
    "поезд",
    "θάλασσα",
    "שָׁלוֹם",
    "مساءً",
    "उड़ा",
    "ஆகும்",
    "ขบวน",
    "អាន",
    "发芽",
    "テスト",
    "지하철",
    " \u{a95}",
];
const ODD: [&str; 28] = [
    "\0",
    "\u{1}",
    "\u{7f}",
    "\u{85}",
    "\u{a0}",
    "\u{ad}",
    "\u{200b}",
    "\u{200d}",
    "\u{202e}",
    "\u{2028}",
    "\u{3000}",
    "\u{feff}",
    "\u{fffd}",
    "\u{e000}",
    "\u{10ffff}",
    "\u{378}",
    "½",
    "²",
    "Ⅷ",
    "٣",
    "①",
    "ª",
    "ʰ",
    "€",
    "“",
    "…",
    "👩\u{200d}💻",
    "👍🏽",
];
const PUNCTUATION: [&str; 20] = [
    "'", "''", "\"", "!", "?!", "...", "/", "//\n", "-", "--", "_", "<", ">", "|", "<|", "[", "]", "<0x41>",
    "\u{2581}", "&",
];
/// Ranges of letters and marks to draw from: scripts, presentation forms, symbols.
const RANGES: [(u32, u32); 22] = [
    (0x20, 0x7E),
    (0xA0, 0x24F),
    (0x2B0, 0x36F),
    (0x370, 0x52F),
    (0x591, 0x6FF),
    (0x900, 0x97F),
    (0x980, 0xDFF),
    (0xE00, 0xFFF),
    (0x10A0, 0x11FF),
    (0x1780, 0x17FF),
    (0x1AB0, 0x1AFF),
    (0x1C80, 0x1FFF),
    (0x2000, 0x206F),
    (0x2070, 0x2BFF),
    (0x3000, 0x30FF),
    (0x4E00, 0x9FFF),
    (0xA640, 0xA7FF),
    (0xAC00, 0xD7A3),
    (0xF900, 0xFAFF),
    (0x10400, 0x1044F),
    (0x1D400, 0x1D7FF),
    (0x1F300, 0x1FAFF),
];

/// Returns a string of one to twelve parts of all kinds; `special` are contents of added tokens.
pub fn string(random: &mut Random, special: &[&str]) -> String {
    let mut text = String::new();
    for _ in 0..=random.below(12) {
        match random.below(12) {
            0..=2 => text.push_str(random.pick(&WORDS)),
            3 => text.push_str(random.pick(&ODD)),
            4 => text.push_str(random.pick(&PUNCTUATION)),
            5 if !special.is_empty() => {
                // Whole, or without its ends.
                let token = random.pick(special);
                let mut chars: Vec<char> = token.chars().collect();
                for _ in 0..random.below(3) {
                    chars.remove(if random.below(2) == 0 { 0 } else { chars.len() - 1 });
                    if chars.is_empty() {
                        break;
                    }
                }
                text.extend(chars);
            }
            6 => {
                let white = random.pick(&[" ", " ", " ", "\n", "\t", "\r\n", "\u{a0}", "\u{3000}"]);
                text.push_str(&white.repeat(1 + random.below(9) * random.below(5)));
            }
            7 => text.push_str(&random.below(usize::MAX).to_string()[..=random.below(8)]),
            8 => {
                let (first, last) = RANGES[random.below(RANGES.len())];
                (0..=random.below(8)).for_each(|_| text.push(random.char_in(first, last)));
            }
            9 => {
                let mark = random.char_in(0x300, 0x36F);
                (0..=random.below(4)).for_each(|_| text.push(mark));
            }
            10 => text.push(random.char_in(0, 0x10FFFF)),
            _ => {}
        }
        if random.below(2) == 0 {
            text.push(' ');
        }
    }
    text
}
