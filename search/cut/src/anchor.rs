//! Anchors of Markdown's headings: what GitHub, and most programs that make pages of Markdown, give a heading as its id.

use super::lines::{behind, within};

/// How many places of the table are looked at: whoever makes words with the same hash gets an anchor without its number, and
/// nobody waits.
const MOST_STEPS: usize = 64;

/// The anchors that a document has so far.
#[derive(Debug, Default)]
pub(super) struct Anchors {
    /// Each without a number, and how many headings there were with it.
    seen: Vec<(String, u32)>,
    /// For a hash, one more than the place in `seen`, or 0: a table of which at most half is used. (The standard library's
    /// would be larger than all else here.)
    table: Vec<u32>,
}

impl Anchors {
    /// Returns the anchor of the next heading: the id that it names (`{#id}`), otherwise its words in lower case, with hyphens for
    /// spaces and without punctuation; and a number if headings above it have the same.
    pub fn next(&mut self, heading: &str, plain: &str) -> String {
        if let Some(id) = named(heading) {
            return id.to_owned();
        }
        let mut anchor = String::with_capacity(plain.len());
        for c in plain.chars() {
            match c {
                ' ' => anchor.push('-'),
                _ if is_kept(c) => anchor.push(lower(c)),
                _ => {}
            }
        }
        let number = self.count(&anchor);
        if number > 0 {
            anchor.push('-');
            push_number(&mut anchor, number);
        }
        anchor
    }

    /// Notes an anchor; returns how often it was there before.
    fn count(&mut self, anchor: &str) -> u32 {
        if self.table.len() <= 2 * self.seen.len() {
            self.table = vec![0; (4 * self.table.len()).max(64)];
            for at in 0..self.seen.len() {
                if let Some(place) = self.place(&self.seen[at].0, true) {
                    self.table[place] = at as u32 + 1;
                }
            }
        }
        let Some(place) = self.place(anchor, false) else { return 0 };
        if let Some((_, count)) = self.seen.get_mut((self.table[place] as usize).wrapping_sub(1)) {
            *count += 1;
            return *count - 1;
        }
        self.seen.push((anchor.to_owned(), 1));
        self.table[place] = self.seen.len() as u32;
        0
    }

    /// Returns the place of an anchor in the table, or the first free one.
    fn place(&self, anchor: &str, is_free: bool) -> Option<usize> {
        // FNV-1a.
        let hash =
            anchor.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
        let places = (0..MOST_STEPS).map(|step| (hash as usize).wrapping_add(step) % self.table.len());
        let is_its = |place: &usize| match self.table[*place] {
            0 => true,
            number => !is_free && self.seen.get(number as usize - 1).is_some_and(|(seen, _)| seen == anchor),
        };
        places.into_iter().find(is_its)
    }
}

/// Returns the id that a heading ends with.
fn named(heading: &str) -> Option<&str> {
    let inner = heading.trim_end().strip_suffix('}')?;
    let inner = behind(inner, inner.rfind('{')? + 1).strip_prefix('#')?;
    let id = within(inner, 0, inner.find([' ', '\t']).unwrap_or(inner.len()));
    (!id.is_empty()).then_some(id)
}

/// Adds a number. (Formatting would be larger than all else here.)
fn push_number(text: &mut String, number: u32) {
    let mut divisor = 1;
    while number / divisor >= 10 {
        divisor *= 10;
    }
    while divisor > 0 {
        text.push(char::from(b'0' + (number / divisor % 10) as u8));
        divisor /= 10;
    }
}

/// Blocks of punctuation and symbols.
const MARKS: [(u32, u32); 14] = [
    (0x80, 0xa9),
    (0xab, 0xb4),
    (0xb6, 0xb9),
    (0xbb, 0xbf),
    (0xd7, 0xd7),
    (0xf7, 0xf7),
    (0x2000, 0x203e),
    (0x2041, 0x2053),
    (0x2055, 0x2070),
    (0x20a0, 0x20cf),
    (0x2190, 0x245f),
    (0x2500, 0x2bff),
    (0x3000, 0x3004),
    (0x3008, 0x3020),
];
/// The same behind ideographs and letters.
const LATE_MARKS: [(u32, u32); 6] =
    [(0xe000, 0xf8ff), (0xff01, 0xff0f), (0xff1a, 0xff20), (0xff3b, 0xff3e), (0xff5b, 0xff65), (0x1f000, 0x1faff)];

/// Returns whether a character stays in an anchor: letters, digits, marks of letters, `-` and `_`.
fn is_kept(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_alphanumeric() || c == '-' || c == '_';
    }
    let code = u32::from(c);
    !MARKS.iter().chain(&LATE_MARKS).any(|&(first, last)| (first..=last).contains(&code))
}

/// Returns a character in lower case. The alphabets that have two cases and are in use follow a few rules; the standard library's table
/// would be larger than all else here.
fn lower(c: char) -> char {
    let code = u32::from(c);
    let is_odd = code % 2 == 1;
    let lower = match code {
        0x41..=0x5a | 0xc0..=0xd6 | 0xd8..=0xde | 0x391..=0x3a1 | 0x3a3..=0x3ab | 0x410..=0x42f => code + 32,
        0x139..=0x148 | 0x179..=0x17e if is_odd => code + 1,
        0x139..=0x148 | 0x179..=0x17e | 0x130 | 0x138 | 0x149 | 0x178 => code,
        0x100..=0x177
        | 0x218..=0x21b
        | 0x460..=0x481
        | 0x48a..=0x4bf
        | 0x4d0..=0x52f
        | 0x1e00..=0x1e95
        | 0x1ea0..=0x1eff
            if !is_odd =>
        {
            code + 1
        }
        0x386 => 0x3ac,
        0x388..=0x38a => code + 37,
        0x38c => 0x3cc,
        0x38e | 0x38f => code + 63,
        0x400..=0x40f => code + 80,
        0x531..=0x556 => code + 48,
        _ => code,
    };
    char::from_u32(lower).unwrap_or(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn anchors(headings: &[&str]) -> Vec<String> {
        let mut anchors = Anchors::default();
        headings.iter().map(|heading| anchors.next(heading, heading)).collect()
    }

    #[test]
    fn anchors_are_those_of_github() {
        let of = |heading: &str| anchors(&[heading]).remove(0);
        for (heading, anchor) in [
            ("Install", "install"),
            ("How do I undo a commit?", "how-do-i-undo-a-commit"),
            ("C++ & Rust", "c--rust"),
            ("`git reset`", "git-reset"),
            ("snake_case, kebab-case", "snake_case-kebab-case"),
            ("2.0 (beta)", "20-beta"),
            ("Über Größe", "über-größe"),
            ("ÉTÉ Œuvre", "été-œuvre"),
            ("Привет, мир!", "привет-мир"),
            ("Ελλάδα – Άνω", "ελλάδα--άνω"),
            ("安装（可选）", "安装可选"),
            ("日本語・ガイド", "日本語・ガイド"),
            ("Ship it 🚀", "ship-it-"),
            ("Title {#own-id .class}", "own-id"),
            ("?", ""),
        ] {
            assert_eq!(of(heading), anchor, "{heading}");
        }
    }

    #[test]
    fn headings_with_the_same_words_are_numbered() {
        assert_eq!(anchors(&["A", "a", "B", "A!", "b"]), ["a", "a-1", "b", "a-2", "b-1"]);
        let many = anchors(&["x"; 112]);
        let different: Vec<String> = (0..1000).map(|at| format!("h{at}")).collect();
        let twice: Vec<&str> = different.iter().chain(&different).map(String::as_str).collect();
        let twice = anchors(&twice);
        assert_eq!((&twice[..1000], twice[1999].as_str()), (&different[..], "h999-1"));
        assert_eq!((many[10].as_str(), many[100].as_str(), many[111].as_str()), ("x-10", "x-100", "x-111"));
    }

    #[test]
    fn the_alphabets_in_use_are_lowered_as_the_standard_library_does() {
        let in_use = (0x41..=0x5a).chain(0xc0..=0x17f).chain(0x386..=0x3ab).chain(0x400..=0x52f).chain(0x531..=0x556);
        for code in in_use.chain(0x1e00..=0x1e95).chain(0x1ea0..=0x1eff) {
            let Some(c) = char::from_u32(code) else { continue };
            let mut all = c.to_lowercase();
            let (first, more) = (all.next().expect("one"), all.next());
            let expected = if more.is_some() { c } else { first };
            // Of two letters alone the lower case is far away: Ÿ, and the palochka's row.
            if !matches!(code, 0x178 | 0x4c0..=0x4cf) {
                assert_eq!(lower(c), expected, "{c} {code:x}");
            }
        }
        // What is changed is changed to what the standard library has.
        for c in (0..0x2_0000).filter_map(char::from_u32) {
            assert!(lower(c) == c || c.to_lowercase().eq([lower(c)]), "{c}");
        }
    }
}
