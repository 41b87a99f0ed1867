//! Byte-pair merges: the two parts that each token is made from, and the loop that applies this to a word.
//!
//! The rule (Sennrich et al., <https://arxiv.org/abs/1508.07909>): as long as two neighbours form a
//! known pair, join the pair of lowest rank, the leftmost of them first.
//!
//! A pair is not looked up by the ids of its two sides. The string of a token is that of its two
//! sides end to end, and no two tokens have the same string; so the stretch of the word that two
//! neighbours cover names the only token that they could become, and where they meet within it
//! names the merge. The vocabulary, which is there anyway, thus serves as the table of pairs.

use super::invalid;
use super::vocabulary::{Hashes, LONGEST_TOKEN, Vocabulary};
use crate::error::Result;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const NO_RANK: u32 = u32::MAX;
/// Neighbour of the symbols at the ends.
const NOTHING: u32 = u32::MAX;
/// A word of at most this many symbols is searched for its lowest pair again after every merge;
/// longer ones go through a heap. Either gives the same ids.
const SHORT: usize = 24;

/// The merges, by the token that they make.
pub(super) struct Merges {
    /// Where the merges of each token start in the other two arrays, and where the last ones end.
    starts: Vec<u32>,
    /// Length of the left part.
    lefts: Vec<u16>,
    ranks: Vec<u32>,
}

impl Merges {
    /// Takes `merges`: index of the token made and length in bytes of its left part, in order of rank.
    ///
    /// # Errors
    /// `TokenizerInvalid` if a part is empty, or a merge is a duplicate or makes no token.
    pub(super) fn new(merges: &[(u32, u32)], vocabulary: &Vocabulary) -> Result<Self> {
        let mut starts = vec![0; vocabulary.len() + 1];
        for (made, left) in merges {
            let has_parts = (*made as usize) < vocabulary.len()
                && (1..vocabulary.token(*made as usize).len()).contains(&(*left as usize));
            if !has_parts {
                return Err(invalid("a merge lacks its left or its right part"));
            }
            starts[*made as usize + 1] += 1;
        }
        for index in 1..starts.len() {
            starts[index] += starts[index - 1];
        }
        let mut filled = starts.clone();
        let mut table = Self { starts, lefts: vec![0; merges.len()], ranks: vec![0; merges.len()] };
        for (rank, (made, left)) in (0..).zip(merges) {
            let (start, at) = (table.starts[*made as usize] as usize, filled[*made as usize] as usize);
            // Lossless: tokens have at most LONGEST_TOKEN bytes, and thus that many merges.
            let left = *left as u16;
            if at - start > LONGEST_TOKEN || table.lefts[start..at].contains(&left) {
                return Err(invalid("a merge is listed twice"));
            }
            table.lefts[at] = left;
            table.ranks[at] = rank;
            filled[*made as usize] += 1;
        }
        Ok(table)
    }

    /// Returns the rank of the merge that makes a token with a left part of that length, or `NO_RANK`.
    fn rank(&self, made: usize, left: usize) -> u32 {
        let range = self.starts[made] as usize..self.starts[made + 1] as usize;
        let at = self.lefts[range.clone()].iter().position(|length| usize::from(*length) == left);
        at.map_or(NO_RANK, |at| self.ranks[range.start + at])
    }

    /// Applies the merges to `work`, whose symbols are then the result.
    pub(super) fn apply(&self, vocabulary: &Vocabulary, work: &mut Work) {
        for at in 0..work.symbols.len() {
            work.symbols[at].pair = match work.symbols.get(at + 1) {
                Some(_) => self.pair(vocabulary, work, at, at + 1, at + 2),
                None => Pair::NONE,
            };
        }
        match work.symbols.len() <= SHORT {
            true => self.apply_short(vocabulary, work),
            false => self.apply_long(vocabulary, work),
        }
    }

    /// Returns what the symbols at `left` and `right` become; the one at `after`, if any, comes next.
    fn pair(&self, vocabulary: &Vocabulary, work: &Work, left: usize, right: usize, after: usize) -> Pair {
        let [start, middle] = [left, right].map(|at| work.symbols[at].start as usize);
        let end = work.symbols.get(after).map_or(work.spelled.len(), |symbol| symbol.start as usize);
        match work.spelled.find(start, end, vocabulary) {
            Some(made) => Pair { rank: self.rank(made, middle - start), made: made as u32 },
            None => Pair::NONE,
        }
    }

    fn apply_short(&self, vocabulary: &Vocabulary, work: &mut Work) {
        // `min_by_key` returns the first of several minima: the leftmost pair.
        while let Some((at, symbol)) = work.symbols.iter().enumerate().min_by_key(|(_, symbol)| symbol.pair.rank) {
            if symbol.pair.rank == NO_RANK {
                break;
            }
            work.symbols[at].token = symbol.pair.made;
            work.symbols.remove(at + 1);
            work.symbols[at].pair = match work.symbols.get(at + 1) {
                Some(_) => self.pair(vocabulary, work, at, at + 1, at + 2),
                None => Pair::NONE,
            };
            if at > 0 {
                work.symbols[at - 1].pair = self.pair(vocabulary, work, at - 1, at, at + 1);
            }
        }
    }

    /// Applies the merges by a heap of pairs over a doubly linked list of symbols: n log n for n symbols.
    fn apply_long(&self, vocabulary: &Vocabulary, work: &mut Work) {
        let count = work.symbols.len() as u32;
        work.links.clear();
        work.links.extend((0..count).map(|at| Link { before: at.wrapping_sub(1), after: at + 1 }));
        if let Some(last) = work.links.last_mut() {
            last.after = NOTHING;
        }
        let mut entries = std::mem::take(&mut work.heap).into_vec();
        entries.clear();
        let ranked = (0..).zip(&work.symbols).filter(|(_, symbol)| symbol.pair.rank != NO_RANK);
        entries.extend(ranked.map(|(at, symbol)| Reverse((symbol.pair.rank, at))));
        let mut heap = BinaryHeap::from(entries);

        while let Some(Reverse((rank, at))) = heap.pop() {
            let symbol = &mut work.symbols[at as usize];
            // An entry is stale if its pair has changed since; what was joined to its left neighbour
            // has no pair any more.
            if symbol.pair.rank != rank {
                continue;
            }
            symbol.token = symbol.pair.made;
            let Link { before, after: right } = work.links[at as usize];
            let after = work.links[right as usize].after;
            work.symbols[right as usize].pair = Pair::NONE;
            work.symbols[right as usize].token = NOTHING;
            work.links[at as usize].after = after;
            if after != NOTHING {
                work.links[after as usize].before = at;
            }
            for (left, right) in [(at, after), (before, at)] {
                if left == NOTHING {
                    continue;
                }
                let pair = match right {
                    NOTHING => Pair::NONE,
                    _ => {
                        let end = work.links[right as usize].after;
                        self.pair(vocabulary, work, left as usize, right as usize, end as usize)
                    }
                };
                work.symbols[left as usize].pair = pair;
                heap.extend((pair.rank != NO_RANK).then_some(Reverse((pair.rank, left))));
            }
        }
        work.heap = heap;
        work.symbols.retain(|symbol| symbol.token != NOTHING);
    }
}

/// What two neighbours become.
#[derive(Clone, Copy, Debug)]
struct Pair {
    rank: u32,
    /// Index of a token.
    made: u32,
}

impl Pair {
    const NONE: Self = Self { rank: NO_RANK, made: NOTHING };
}

/// A stretch of the word that is a token; it ends where the next one starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Symbol {
    start: u32,
    /// Index of the token.
    pub(super) token: u32,
    /// What it becomes with the one after it.
    pair: Pair,
}

/// Neighbours of a symbol: indices, or `NOTHING`.
struct Link {
    before: u32,
    after: u32,
}

/// Buffers for one word after another. A word has less than 4 GiB.
#[derive(Default)]
pub(super) struct Work {
    /// The strings of all symbols end to end.
    pub(super) spelled: Hashes,
    /// The word: first its characters or bytes, and after [`Merges::apply`] the result.
    pub(super) symbols: Vec<Symbol>,
    links: Vec<Link>,
    heap: BinaryHeap<Reverse<(u32, u32)>>,
}

impl Work {
    /// Begins a word.
    pub(super) fn clear(&mut self) {
        self.spelled.clear();
        self.symbols.clear();
    }

    /// Adds a symbol: the index and the string of a token.
    pub(super) fn push(&mut self, token: usize, vocabulary: &Vocabulary) {
        self.symbols.push(Symbol { start: self.spelled.len() as u32, token: token as u32, pair: Pair::NONE });
        self.spelled.push(vocabulary.token(token));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vocabulary(tokens: &[String]) -> Vocabulary {
        let ends = tokens.iter().scan(0, |end, token| {
            *end += token.len() as u32;
            Some(*end)
        });
        Vocabulary::new(tokens.concat().into_bytes(), ends.collect(), (0..tokens.len() as u32).collect()).unwrap()
    }

    fn spelled(text: &str, vocabulary: &Vocabulary) -> Work {
        let mut work = Work::default();
        work.clear();
        text.bytes().for_each(|byte| work.push(vocabulary.find(&[byte]).unwrap(), vocabulary));
        work
    }

    /// Applies the merges by both loops, which must agree.
    fn applied(merges: &[(u32, u32)], vocabulary: &Vocabulary, text: &str) -> Vec<String> {
        let merges = Merges::new(merges, vocabulary).unwrap();
        let results = [Merges::apply_short, Merges::apply_long].map(|apply| {
            let mut work = spelled(text, vocabulary);
            for at in 1..work.symbols.len() {
                work.symbols[at - 1].pair = merges.pair(vocabulary, &work, at - 1, at, at + 1);
            }
            apply(&merges, vocabulary, &mut work);
            let tokens = work.symbols.iter().map(|symbol| vocabulary.token(symbol.token as usize));
            tokens.map(|token| String::from_utf8(token.to_vec()).unwrap()).collect::<Vec<_>>()
        });
        assert_eq!(results[0], results[1], "{text}");
        assert_eq!(results[0].concat(), text);
        results[0].clone()
    }

    #[test]
    fn lowest_rank_first_then_leftmost() {
        let tokens = ["a", "b", "c", "bc", "ab", "abc", "aa"].map(String::from);
        let vocabulary = vocabulary(&tokens);
        let merges = [(3, 1), (4, 1), (5, 2), (6, 1)];
        assert_eq!(applied(&merges, &vocabulary, "abc"), ["a", "bc"]);
        assert_eq!(applied(&merges, &vocabulary, "ababc"), ["ab", "a", "bc"]);
        assert_eq!(applied(&merges, &vocabulary, "aaa"), ["aa", "a"]);
        assert_eq!(applied(&merges, &vocabulary, "c"), ["c"]);
    }

    #[test]
    fn the_two_loops_agree() {
        let mut state = 1_u64;
        let mut random = |below: usize| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 33) as usize % below
        };
        let mut tokens: Vec<String> = ["a", "b", "c"].map(String::from).into();
        let mut merges = Vec::new();
        while tokens.len() < 300 {
            let (left, right) = (tokens[random(tokens.len())].clone(), tokens[random(tokens.len())].clone());
            let made = format!("{left}{right}");
            let index = tokens.iter().position(|token| *token == made).unwrap_or(tokens.len());
            if index == tokens.len() && made.len() < 12 {
                tokens.push(made.clone());
            }
            let merge = (index as u32, left.len() as u32);
            if index < tokens.len() && !merges.contains(&merge) {
                merges.insert(random(merges.len() + 1), merge);
            }
        }
        let vocabulary = vocabulary(&tokens);
        for length in 0..200 {
            let text: String = (0..length).map(|_| ["a", "b", "c"][random(3)]).collect();
            applied(&merges, &vocabulary, &text);
        }
    }

    #[test]
    fn refuses_what_is_no_merge() {
        let vocabulary = vocabulary(&["a", "b", "ab"].map(String::from));
        for merges in [&[(2, 1), (2, 1)], &[(2, 1), (2, 0)], &[(2, 1), (2, 2)], &[(2, 1), (3, 1)]] {
            assert!(Merges::new(merges, &vocabulary).is_err(), "{merges:?}");
        }
    }
}
