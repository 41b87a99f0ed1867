//! Text that may be shown anywhere: on one line, without anything that a terminal obeys, and short.
//!
//! Messages quote names, paths and strings of untrusted files. Shown raw, these could move the cursor, colour the
//! terminal, pretend to be another line or turn the reading direction, and a name may be megabytes long.
//! `pkg/src/plain.ts` has the same rules.

/// The most characters of a text.
const MOST: usize = 400;
/// Characters kept from the start of a longer one.
const HEAD: usize = 250;
/// Characters kept from its end, where messages say what to do and paths name their file.
const TAIL: usize = 100;

/// Returns `text` with every character that must not be shown raw written as an escape, such as `\n` or `\u{1b}`.
pub fn escaped(text: &str) -> String {
    text.chars().flat_map(shown).collect()
}

/// Returns `text` [`escaped`] and cut to 400 characters: a count stands for the middle that is left out. A text
/// that is already plain stays as it is.
pub fn plain(text: &str) -> String {
    let is_short =
        text.chars().map(width).try_fold(0, |sum: usize, width| Some(sum + width).filter(|sum| *sum <= MOST));
    if is_short.is_some() {
        return escaped(text);
    }
    let (head, tail) = (fitting(text.chars(), HEAD), fitting(text.chars().rev(), TAIL));
    let left_out = text.chars().count() - head.len() - tail.len();
    let show = |part: &mut dyn Iterator<Item = &char>| part.flat_map(|c| shown(*c)).collect::<String>();
    format!("{}… ({left_out} characters left out) …{}", show(&mut head.iter()), show(&mut tail.iter().rev()))
}

/// Takes as many of the first characters as can be shown in `room`.
fn fitting(characters: impl Iterator<Item = char>, mut room: usize) -> Vec<char> {
    characters
        .map_while(|c| {
            room = room.checked_sub(width(c))?;
            Some(c)
        })
        .collect()
}

/// Returns what is shown of a character.
fn shown(c: char) -> impl Iterator<Item = char> {
    let (plain, escape) = match is_plain(c) {
        true => (Some(c), None),
        false => (None, Some(c.escape_default())),
    };
    plain.into_iter().chain(escape.into_iter().flatten())
}

fn width(c: char) -> usize {
    shown(c).count()
}

/// Returns whether a character may be shown raw; control characters, line and paragraph separators, and what turns
/// the reading direction may not.
fn is_plain(c: char) -> bool {
    let turns = matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}') && !turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_obeys_is_escaped() {
        assert_eq!(plain("a\u{1b}[31m\u{9b}\0\u{7f}b"), "a\\u{1b}[31m\\u{9b}\\u{0}\\u{7f}b");
        assert_eq!(plain("one\ntwo\r\tthree\u{2028}\u{2029}"), "one\\ntwo\\r\\tthree\\u{2028}\\u{2029}");
        let turning = "\u{61c}\u{200e}\u{200f}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        assert!(plain(turning).is_ascii());
        for text in ["", "plain", "Größe 東京 😀 עברית \\ \"x\" 'y' {z}", &"x".repeat(MOST)] {
            assert_eq!(plain(text), text);
        }
    }

    #[test]
    fn what_is_long_keeps_its_start_and_its_end_and_says_how_much_is_gone() {
        let text = format!("start {} end", "😀".repeat(3_500_000));
        let cut = plain(&text);
        assert!(cut.starts_with("start 😀") && cut.ends_with("😀 end"), "{cut}");
        assert!(cut.contains("… (3499660 characters left out) …"), "{cut}");
        for text in [text, "\0".repeat(5000), "x".repeat(MOST + 1), "\u{202e}a".repeat(90)] {
            let cut = plain(&text);
            assert!(cut.chars().count() <= MOST && cut.chars().all(is_plain), "{cut}");
            assert_eq!(plain(&cut), cut, "once is enough");
            assert_eq!(cut.matches('\\').count(), cut.matches("\\u{").count(), "no escape is cut");
        }
        assert_eq!(escaped(&"\n".repeat(1000)), "\\n".repeat(1000));
    }
}
