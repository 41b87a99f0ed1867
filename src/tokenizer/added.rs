//! Added tokens: strings that are taken out of a text before anything else happens to it.
//!
//! The matching is that of the `tokenizers` crate, corner cases included: the leftmost match, the
//! longest of those that start there; a match that must be a word of its own and is not is skipped
//! over, not searched again; white space to the right that one token takes may still hold the next.

use super::classes::Classes;
use super::{invalid, unsupported};
use crate::error::Result;
use std::ops::ControlFlow;

/// Longest string of an added token in bytes. It bounds the work per position of a text.
pub(super) const LONGEST: usize = 256;

/// Refuses an added token that is too long, with `TokenizerUnsupported`.
pub(super) fn check_length(content: &str) -> Result<()> {
    match content.len() > LONGEST {
        true => Err(unsupported(format!("added_tokens has a token of more than {LONGEST} bytes"))),
        false => Ok(()),
    }
}

/// # Errors
/// `TokenizerUnsupported` for white space that takes the white space before it, and not that behind it: where another
/// token has already taken it, the `tokenizers` crate finds that it ends before it starts, and panics.
pub(super) fn check_white_space(content: &str, lstrip: bool, rstrip: bool) -> Result<()> {
    match lstrip && !rstrip && content.chars().all(char::is_whitespace) {
        true => Err(unsupported(format!("added_tokens has {content:?}, white space with lstrip and without rstrip"))),
        false => Ok(()),
    }
}

/// A string with an id of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AddedToken {
    /// The id.
    pub(super) id: u32,
    /// What is searched for: in the normalised text if `normalized`, else in the text itself.
    pub(super) content: String,
    /// Whether it is searched for in the normalised text.
    pub(super) normalized: bool,
    /// Whether it takes the white space before it.
    pub(super) lstrip: bool,
    /// Whether it takes the white space after it.
    pub(super) rstrip: bool,
    /// Whether it must not touch a word character.
    pub(super) single_word: bool,
}

/// A part of a text.
pub(super) enum Part<'t> {
    /// An added token's id.
    Token(u32),
    /// What lies between added tokens; never empty.
    Text(&'t str),
}

/// Added tokens that are searched for together.
pub(super) struct AddedTokens {
    /// Ascending by content: the tokens with a common start are neighbours.
    tokens: Vec<AddedToken>,
    /// For each first byte the range of `tokens` that start with it.
    starts: Box<[(u32, u32); 256]>,
}

impl AddedTokens {
    /// # Errors
    /// `TokenizerInvalid` for an empty string or a duplicate; `TokenizerUnsupported` for one that is too long.
    pub(super) fn new(mut tokens: Vec<AddedToken>) -> Result<Self> {
        tokens.sort_by(|a, b| a.content.cmp(&b.content));
        for (i, token) in tokens.iter().enumerate() {
            if token.content.is_empty() || i > 0 && tokens[i - 1].content == token.content {
                return Err(invalid(format!("added_tokens: {:?} is empty or listed twice", token.content)));
            }
            check_length(&token.content)?;
            check_white_space(&token.content, token.lstrip, token.rstrip)?;
        }
        let mut starts = Box::new([(0, 0); 256]);
        for (first, range) in starts.iter_mut().enumerate() {
            let below = |limit: usize| tokens.partition_point(|t| usize::from(t.content.as_bytes()[0]) < limit) as u32;
            *range = (below(first), below(first + 1));
        }
        Ok(Self { tokens, starts })
    }

    /// Returns their ids.
    pub(super) fn ids(&self) -> impl Iterator<Item = u32> {
        self.tokens.iter().map(|token| token.id)
    }

    /// Returns the longest token at the start of `text`.
    fn longest(&self, text: &[u8]) -> Option<&AddedToken> {
        let (start, end) = self.starts[usize::from(*text.first()?)];
        let mut candidates = &self.tokens[start as usize..end as usize];
        let mut longest = None;
        for depth in 1.. {
            // All candidates share `depth` bytes with the text, and the shortest stands first.
            match candidates.first() {
                None => break,
                Some(token) if token.content.len() == depth => {
                    longest = Some(token);
                    candidates = &candidates[1..];
                }
                Some(_) => {}
            }
            let Some(next) = text.get(depth) else { break };
            let from = candidates.partition_point(|token| token.content.as_bytes()[depth] < *next);
            candidates = &candidates[from..];
            let to = candidates.partition_point(|token| token.content.as_bytes()[depth] == *next);
            candidates = &candidates[..to];
        }
        longest
    }

    /// Passes the parts of `text` to `each` in order, until it breaks off.
    pub(super) fn split<'t>(
        &self,
        text: &'t str,
        each: &mut impl FnMut(Part<'t>) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let mut done = 0;
        let mut at = 0;
        // White space that was taken last: many tokens may take the same, and it must not be read for each.
        let mut white = 0..0;
        while let Some(first) = text.as_bytes().get(at) {
            // Most bytes start no token.
            let (start, end) = self.starts[usize::from(*first)];
            let Some(token) = (start < end).then(|| self.longest(&text.as_bytes()[at..])).flatten() else {
                at += 1;
                continue;
            };
            let matched = at..at + token.content.len();
            at = matched.end;
            if token.single_word && touches_word(&text[..matched.start], &text[matched.end..]) {
                continue;
            }
            let free = done.min(matched.start);
            let start = match token.lstrip {
                true => free + text[free..matched.start].trim_end().len(),
                false => matched.start,
            };
            if done < start {
                each(Part::Text(&text[done..start]))?;
            }
            each(Part::Token(token.id))?;
            done = match token.rstrip {
                // A token before this one may have taken the same white space.
                true => {
                    let from = done.max(matched.end);
                    if !white.contains(&from) {
                        white = from..text.len() - text[from..].trim_start().len();
                    }
                    white.end
                }
                false => matched.end,
            };
        }
        if done < text.len() {
            each(Part::Text(&text[done..]))?;
        }
        ControlFlow::Continue(())
    }
}

fn touches_word(before: &str, after: &str) -> bool {
    let is_word = |c: Option<char>| c.is_some_and(|c| Classes::get().of(c).is_word());
    is_word(before.chars().next_back()) || is_word(after.chars().next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(id: u32, content: &str) -> AddedToken {
        let content = content.to_owned();
        AddedToken { id, content, normalized: false, lstrip: false, rstrip: false, single_word: false }
    }

    fn split(tokens: Vec<AddedToken>, text: &str) -> String {
        let mut parts = String::new();
        let _ = AddedTokens::new(tokens).unwrap().split(text, &mut |part| {
            match part {
                Part::Token(id) => parts.push_str(&format!("<{id}>")),
                Part::Text(text) => parts.push_str(text),
            }
            ControlFlow::Continue(())
        });
        parts
    }

    #[test]
    fn leftmost_longest() {
        let tokens = || vec![token(1, "ab"), token(2, "abcd"), token(3, "bc"), token(4, "d")];
        assert_eq!(split(tokens(), "abcabcdxbcd"), "<1>c<2>x<3><4>");
        assert_eq!(split(tokens(), "aab"), "a<1>");
        assert_eq!(split(tokens(), ""), "");
    }

    #[test]
    fn flags() {
        let strips = AddedToken { lstrip: true, rstrip: true, ..token(1, "@") };
        assert_eq!(split(vec![strips.clone()], "a \u{3000}@ \n@b"), "a<1><1>b");
        let word = AddedToken { single_word: true, ..token(2, "#") };
        assert_eq!(split(vec![word, strips], "# #a _# (#)@"), "<2> #a _# (<2>)<1>");
    }

    #[test]
    fn white_space_taken_by_one_token_can_hold_the_next() {
        let strips = AddedToken { rstrip: true, ..token(1, "@") };
        assert_eq!(split(vec![strips, token(2, "\n")], "@  \n  x"), "<1><2>  x");
    }

    #[test]
    fn refuses_doubles_and_empty_ones() {
        assert!(AddedTokens::new(vec![token(1, "a"), token(2, "a")]).is_err());
        assert!(AddedTokens::new(vec![token(1, "")]).is_err());
        assert!(AddedTokens::new(vec![token(1, &"a".repeat(257))]).is_err());
    }
}
