//! Splitting text into words, by the patterns in use.
//!
//! Two of them are regular expressions in `tokenizer.json`; here each is a function, so that no regular
//! expression engine is needed at run time. The comments name the alternatives of the pattern in
//! its order: the first that matches wins. Every character is matched by one of them, nothing looks
//! behind, and so a text is split by taking its first word again and again.

use super::bert;
use super::classes::{Class, Classes};

/// The pattern of GPT-2, which `ByteLevel` has built in.
pub(super) const GPT2_PATTERN: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+";

/// The pattern of the o200k vocabularies.
pub(crate) const O200K_PATTERN: &str = concat!(
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?",
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+",
);

/// How text is cut into words before the merges.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Splitter {
    /// Not at all.
    Whole,
    /// By [`GPT2_PATTERN`].
    Gpt2,
    /// By [`O200K_PATTERN`].
    O200k,
    /// As BERT's tokenizers do: at white space, which is left out, and around every punctuation mark.
    Bert,
    /// At white space, which is left out.
    WhiteSpace,
}

impl Splitter {
    /// Returns the length in bytes of the first word; 0 only for an empty text.
    pub(super) fn first_word(self, text: &str, classes: &Classes) -> usize {
        match self {
            Self::Whole => text.len(),
            Self::Gpt2 => gpt2_word(text, classes),
            Self::O200k => o200k_word(text, classes),
            Self::Bert => bert::first_word(text),
            Self::WhiteSpace => white_space_word(text),
        }
    }

    /// Returns whether a word of [`Splitter::first_word`] is left out.
    pub(super) fn leaves_out(self, word: &str) -> bool {
        matches!(self, Self::Bert | Self::WhiteSpace) && word.starts_with(char::is_whitespace)
    }
}

/// Returns the length of the run at the start of a text that is white space, or is not.
fn white_space_word(text: &str) -> usize {
    let is_white = text.starts_with(char::is_whitespace);
    text.find(|c: char| c.is_whitespace() != is_white).unwrap_or(text.len())
}

fn gpt2_word(text: &str, classes: &Classes) -> usize {
    // 's|'t|'re|'ve|'m|'ll|'d
    let contraction = contraction(text, false);
    if contraction > 0 {
        return contraction;
    }
    // ` ?\p{L}+`, ` ?\p{N}+`, ` ?[^\s\p{L}\p{N}]+`: what follows the optional space decides.
    let start = usize::from(text.starts_with(' '));
    let rest = &text[start..];
    match classes.first(rest) {
        Some((class, _)) if class.is_letter() => start + classes.run(rest, Class::is_letter),
        Some((class, _)) if class.is_number() => start + classes.run(rest, Class::is_number),
        Some((class, _)) if class.is_symbol() => start + classes.run(rest, Class::is_symbol),
        _ => spaces(text, classes),
    }
}

fn o200k_word(text: &str, classes: &Classes) -> usize {
    let Some((class, length)) = classes.first(text) else { return 0 };
    if let Some(end) = cased_word(text, class, length, classes) {
        return end + contraction(&text[end..], true);
    }
    // \p{N}{1,3}
    if class.is_number() {
        return text.chars().take(3).take_while(|c| classes.of(*c).is_number()).map(char::len_utf8).sum();
    }
    // ` ?[^\s\p{L}\p{N}]+[\r\n/]*`
    let start = usize::from(text.starts_with(' '));
    let symbols = classes.run(&text[start..], Class::is_symbol);
    if symbols > 0 {
        let end = start + symbols;
        return end + text[end..].bytes().take_while(|b| matches!(b, b'\r' | b'\n' | b'/')).count();
    }
    // `\s*[\r\n]+`: the white space up to its last line end.
    let run = classes.run(text, |class| class == Class::Space);
    match text[..run].rfind(['\r', '\n']) {
        Some(at) => at + 1,
        None => spaces(text, classes),
    }
}

/// Matches the first two alternatives of the o200k pattern, without the contraction at their end. `class` and `length`
/// are those of the first character.
fn cased_word(text: &str, class: Class, length: usize, classes: &Classes) -> Option<usize> {
    // [^\r\n\p{L}\p{N}]?
    let prefix = match class.is_letter() || class.is_number() || text.starts_with(['\r', '\n']) {
        true => 0,
        false => length,
    };
    let (lower_end, upper_end) = cased_run(&text[prefix..], classes);
    if let Some(end) = lower_end {
        return Some(prefix + end);
    }
    // Only a mark can stand both for the prefix and for a letter. Without the prefix the mark alone is
    // the lower part, since there was none after it.
    if class == Class::Mark {
        return Some(length);
    }
    (upper_end > 0).then_some(prefix + upper_end)
}

/// Returns where `[upper]*[lower]+` ends, if it matches, and where `[upper]*` ends, for the classes `upper` = Lu Lt Lm
/// Lo M and `lower` = Ll Lm Lo M.
fn cased_run(text: &str, classes: &Classes) -> (Option<usize>, usize) {
    let mut upper_end = 0;
    let mut last_both = None;
    for (at, c) in text.char_indices() {
        let class = classes.of(c);
        if !class.can_be_upper() {
            break;
        }
        upper_end = at + c.len_utf8();
        if class.can_be_lower() {
            last_both = Some(upper_end);
        }
    }
    let lower = classes.run(&text[upper_end..], Class::can_be_lower);
    // Without a lower-case letter behind the run, the run ends earlier, so that its end is lower.
    (if lower > 0 { Some(upper_end + lower) } else { last_both }, upper_end)
}

/// Matches `\s+(?!\S)|\s+`: white space at the end of the text whole, elsewhere without its last character, unless it
/// is a single one.
fn spaces(text: &str, classes: &Classes) -> usize {
    let run = classes.run(text, |class| class == Class::Space);
    let last = text[..run].chars().next_back().map_or(0, char::len_utf8);
    if run == text.len() || run == last { run } else { run - last }
}

/// Returns the length of `'s|'t|'re|'ve|'m|'ll|'d` at the start of the text, or 0.
fn contraction(text: &str, ignore_case: bool) -> usize {
    let mut chars = text.chars();
    if chars.next() != Some('\'') {
        return 0;
    }
    let fold = |c: char| match c {
        // The long s is another case of s.
        'ſ' if ignore_case => 's',
        c if ignore_case => c.to_ascii_lowercase(),
        c => c,
    };
    let Some(first) = chars.next() else { return 0 };
    match (fold(first), chars.next().map(fold)) {
        ('s' | 't' | 'm' | 'd', _) => 1 + first.len_utf8(),
        ('r' | 'v', Some('e')) | ('l', Some('l')) => 3,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(splitter: Splitter, text: &str) -> Vec<&str> {
        let mut rest = text;
        let mut words = Vec::new();
        while !rest.is_empty() {
            let (word, after) = rest.split_at(splitter.first_word(rest, Classes::get()));
            words.push(word);
            rest = after;
        }
        words
    }

    #[test]
    fn gpt2() {
        let cases: [(&str, &[&str]); 4] = [
            ("I'll say it's  DON'T", &["I", "'ll", " say", " it", "'s", " ", " DON", "'", "T"]),
            ("a1 ½%\u{301} ", &["a", "1", " ½", "%\u{301}", " "]),
            (" \n\n x", &[" \n\n", " x"]),
            ("\u{3000}\u{3000}x  ", &["\u{3000}", "\u{3000}", "x", "  "]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(Splitter::Gpt2, text), expected);
        }
    }

    #[test]
    fn white_space() {
        assert_eq!(words(Splitter::WhiteSpace, " a,b\u{3000}\tc"), [" ", "a,b", "\u{3000}\t", "c"]);
        assert!(Splitter::WhiteSpace.leaves_out("\t") && !Splitter::WhiteSpace.leaves_out("c"));
    }

    #[test]
    fn o200k() {
        let cases: [(&str, &[&str]); 9] = [
            ("I'LL say it'ſ HTTPServer", &["I'LL", " say", " it'ſ", " HTTPServer"]),
            ("camelCase ÉTÉ ǅx", &["camel", "Case", " ÉTÉ", " ǅx"]),
            ("12345 x", &["123", "45", " x"]),
            // Marks: a prefix, a letter of either case, or both.
            ("\u{301}\u{301}A", &["\u{301}\u{301}", "A"]),
            ("A\u{301}A b", &["A\u{301}", "A", " b"]),
            ("\u{301}A", &["\u{301}", "A"]),
            ("!?//\r\n\r\n  \n  y", &["!?//\r\n\r\n", "  \n", " ", " y"]),
            (" !\n//x", &[" !\n//", "x"]),
            ("日本A日A ", &["日本A日", "A", " "]),
        ];
        for (text, expected) in cases {
            assert_eq!(words(Splitter::O200k, text), expected);
        }
    }
}
