//! Texts for checking a pack's tokenizer while the pack is made.

use super::texts::SELF_TEST;

/// Texts written to be hard on tokenizers.
const PLAIN: &[&str] = &[
    "",
    " ",
    "\n",
    " \t\n \r\n\u{a0}\u{3000}\u{2003} ",
    "a",
    "  two  spaces   three    four     ",
    "I'm, you're, he'll, she'd, we've, it's, DON'T, I'LL, O'Brien's, 'tis, rock'n'roll, l\u{2019}eau",
    "camelCase XMLHttpRequest iOS14 snake_case kebab-case SHOUTING Ünïcödé ǅ ß ẞ ﬁ ŉ ĳ",
    "3.14159, 1,000,000, 0xFF, 1e-5, 2026-01-31, 12:34:56, ½ ⅷ ٣٤٥ १२३ ①",
    "...!!!???---===___***///\\\\\\ \"quoted\" «guillemets» „low“ (a[b]{c}) <d> #e @f $g %h ^i &j",
    "line one\nline two\r\nline three\n\n\n\tindented\n    four spaces\n",
    "fn main() { println!(\"{:?}\", vec![1u8; 3]); } // done\n",
    "def f(x: int = 0) -> str:\n    return f\"{x!r:>10}\"  # ok\n",
    "<p class=\"x\">a &amp; b</p><br/><!-- c -->",
    "https://example.org/a/b?c=d&e=%20#f mail@example.org C:\\Temp\\x.txt",
    "Žluťoučký kůň příšerně úpěl ďábelské ódy",
    "Γειά σου Κόσμε, ἀρχὴ ἥμισυ παντός",
    "Съешь ещё этих мягких булок, да выпей чаю",
    "עברית עִם נִקּוּד ומספרים 123",
    "العربية مع تَشْكِيل و أرقام ٤٥٦",
    "हिन्दी में क्षत्रिय और श्री",
    "தமிழ் மொழி, ಕನ್ನಡ ಭಾಷೆ, తెలుగు భాష, മലയാളം",
    "ภาษาไทยไม่มีช่องว่างระหว่างคำ",
    "ភាសាខ្មែរ မြန်မာဘာသာ ລາວ",
    "中文没有空格，标点也不同。繁體字也一樣！",
    "ひらがなカタカナ漢字ｶﾀｶﾅ、長音ー。",
    "한국어 띄어쓰기 ㅋㅋㅋ 각",
    "\u{1112}\u{1161}\u{11ab}\u{1100}\u{1173}\u{11af} e\u{301} A\u{30a} q\u{323}\u{307} q\u{307}\u{323}",
    "😀👍🏽👩‍💻👨‍👩‍👧‍👦🇩🇪🇯🇵❤️1️⃣🏴󠁧󠁢󠁳󠁣󠁴󠁿",
    "\u{0}\u{1}\u{7f}\u{80}\u{ad}\u{200b}\u{200d}\u{200e}\u{202e}\u{2028}\u{2029}\u{feff}\u{fffd}\u{fffe}\u{ffff}",
    "\u{e000}\u{f0000}\u{10ffff}\u{378}\u{e0001}",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
    "▁▁ ▁a Ġthe Ċ Ä ł <0x0A> <0xff> ## ##ing [CLS] [MASK] [UNK] <s> </s> <pad> <unk> <mask>",
];

/// Ranges of characters for made-up texts.
const RANGES: &[(u32, u32)] = &[
    (0x20, 0x7e),
    (0x61, 0x7a),
    (0x41, 0x5a),
    (0x30, 0x39),
    (0x21, 0x2f),
    (0x00, 0x1f),
    (0x80, 0x24f),
    (0x250, 0x36f),
    (0x370, 0x52f),
    (0x590, 0x6ff),
    (0x900, 0xdff),
    (0xe00, 0x12ff),
    (0x1780, 0x17ff),
    (0x1e00, 0x206f),
    (0x2070, 0x2bff),
    (0x3000, 0x30ff),
    (0x4e00, 0x9fff),
    (0xac00, 0xd7a3),
    (0xe000, 0xffff),
    (0x1f300, 0x1faff),
    (0x10000, 0x10ffff),
];

/// Number of made-up texts.
const MADE_UP: usize = 400;

/// Returns texts that exercise a tokenizer: the ones above, every added token between words, and made-up mixtures.
/// They are identical every time.
pub(super) fn for_tokenizers(added: &[String]) -> Vec<String> {
    let mut texts: Vec<String> = SELF_TEST.iter().chain(PLAIN).map(|text| text.to_string()).collect();
    texts.extend(added.chunks(16).map(|tokens| tokens.join(" x ")));
    texts.extend(added.chunks(64).map(|tokens| tokens.concat()));
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..MADE_UP {
        let pieces = 1 + random.below(24);
        texts.push((0..pieces).map(|_| piece(&mut random, added)).collect());
    }
    texts
}

fn piece(random: &mut Random, added: &[String]) -> String {
    let pick = |random: &mut Random, count: usize| random.below(count as u64) as usize;
    match random.below(8) {
        0 => " \t\n\r\u{a0}".chars().cycle().skip(pick(random, 5)).take(1 + pick(random, 4)).collect(),
        1 if !added.is_empty() => added[pick(random, added.len())].clone(),
        2 => {
            let words: Vec<&str> = PLAIN[pick(random, PLAIN.len())].split(' ').collect();
            format!(" {}", words[pick(random, words.len())])
        }
        _ => {
            let (first, last) = RANGES[pick(random, RANGES.len())];
            let count = 1 + random.below(8);
            let character = |_| char::from_u32(first + random.below(u64::from(last - first) + 1) as u32);
            (0..count).filter_map(character).collect()
        }
    }
}

/// A small generator (xorshift64*): identical numbers on every machine.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 32) % bound
    }
}
