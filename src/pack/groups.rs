//! The vocabulary table's rows by script, and by frequency inside it.
//!
//! A page fetches the part of the table that a text needs. Its requests tell the host something about the text, so
//! the smallest part that it ever asks for is a table group of [`LEAST_GROUP`] rows; and for a table group to be
//! useful, its tokens have to occur together. A token's id tells how frequent it is: byte-pair encoding numbers tokens
//! as it finds them worth merging, over all languages and code. That order would scatter what everyday English needs,
//! so the tokens of a list of words come first, after the special tokens, which every text has.

use std::collections::BTreeSet;

use unicode_script::{Script, UnicodeScript};

use crate::error::Result;
use crate::tokenizer::Tokenizer;
use crate::weights::{LEAST_GROUP, TableGroup};

/// English words of everyday life, each once; capitalised where they start sentences or are names.
const EVERYDAY: &str = include_str!("everyday.txt");

/// The most tiers of a family: the table groups of six families have to be numbered in 7 bits.
const MOST_TIERS: usize = 20;

/// Scripts whose tokens occur together, with a name for people; tokens that every text has belong to Latin. Scripts
/// that are not listed belong to the last.
const FAMILIES: [&str; 6] =
    ["Latin, signs and digits", "Cyrillic", "Arabic and Hebrew", "East Asian", "Indic", "other scripts"];
const OTHER: usize = FAMILIES.len() - 1;

/// The table groups.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Groups {
    /// The table group of each id.
    pub of: Vec<u8>,
    /// The table groups in order.
    pub list: Vec<TableGroup>,
}

/// Returns the family of a token: that of its first character that has a script. Bytes that are not characters, and
/// tokens without any such character, belong to Latin.
fn family(token: &[u8]) -> usize {
    let text = String::from_utf8_lossy(token);
    let script = |c: char| match c.script() {
        Script::Common | Script::Inherited | Script::Unknown => None,
        script => Some(script),
    };
    match text.chars().find_map(script) {
        None | Some(Script::Latin) => 0,
        Some(Script::Cyrillic | Script::Glagolitic | Script::Old_Permic) => 1,
        Some(Script::Arabic | Script::Hebrew | Script::Syriac | Script::Thaana | Script::Nko) => 2,
        Some(Script::Han | Script::Hiragana | Script::Katakana | Script::Hangul | Script::Bopomofo | Script::Yi) => 3,
        Some(
            Script::Devanagari
            | Script::Bengali
            | Script::Gurmukhi
            | Script::Gujarati
            | Script::Oriya
            | Script::Tamil
            | Script::Telugu
            | Script::Kannada
            | Script::Malayalam
            | Script::Sinhala
            | Script::Ol_Chiki
            | Script::Meetei_Mayek,
        ) => 4,
        _ => OTHER,
    }
}

/// Groups the `rows` rows of a table whose ids are those of `tokenizer`, in its compact form.
///
/// # Errors
/// Those of [`Tokenizer::encode`].
pub(super) fn groups(tokenizer: &Tokenizer, rows: usize) -> Result<Groups> {
    let mut everyday = BTreeSet::new();
    for word in EVERYDAY.split_whitespace() {
        // As it stands inside a text, where most words and the blank before them are one token, and at its start.
        everyday.extend(tokenizer.encode(&format!("a {word}"))?);
        if word.starts_with(char::is_uppercase) {
            everyday.extend(tokenizer.encode(word)?);
        }
    }
    let mut families: [Vec<usize>; FAMILIES.len()] = Default::default();
    let (mut first, mut words) = (Vec::new(), Vec::new());
    for id in 0..rows {
        match tokenizer.token(id as u32) {
            None => first.push(id),
            Some(_) if everyday.contains(&(id as u32)) => words.push(id),
            Some(token) => families[family(token)].push(id),
        }
    }
    first.append(&mut words);
    Ok(cut(merged(families, first), rows))
}

/// Merges families until each but the first has at least [`LEAST_GROUP`] ids, or none; the ids of `first` lead.
fn merged(mut families: [Vec<usize>; FAMILIES.len()], mut first: Vec<usize>) -> [Vec<usize>; FAMILIES.len()] {
    for at in 1..OTHER {
        if families[at].len() < LEAST_GROUP {
            let ids = std::mem::take(&mut families[at]);
            families[OTHER].extend(ids);
        }
    }
    if families[OTHER].len() < LEAST_GROUP {
        let ids = std::mem::take(&mut families[OTHER]);
        families[0].extend(ids);
    }
    families.iter_mut().for_each(|ids| ids.sort_unstable());
    first.append(&mut families[0]);
    families[0] = first;
    families
}

/// Cuts each family into tiers of [`LEAST_GROUP`] ids; the last tier takes all that are left over.
fn cut(families: [Vec<usize>; FAMILIES.len()], rows: usize) -> Groups {
    let mut groups = Groups { of: vec![0; rows], list: Vec::new() };
    for (ids, name) in families.iter().zip(FAMILIES).filter(|(ids, _)| !ids.is_empty()) {
        let tiers = (ids.len() / LEAST_GROUP).clamp(1, MOST_TIERS);
        for tier in 0..tiers {
            let end = if tier + 1 == tiers { ids.len() } else { (tier + 1) * LEAST_GROUP };
            let ids = &ids[tier * LEAST_GROUP..end];
            ids.iter().for_each(|id| groups.of[*id] = groups.list.len() as u8);
            groups.list.push(TableGroup { name: format!("{name}, tier {}", tier + 1), rows: ids.len() });
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_go_to_the_family_of_their_first_letter() {
        for (token, wanted) in [
            (" the", 0),
            ("123", 0),
            ("!", 0),
            ("привет", 1),
            ("שלום", 2),
            ("日本", 3),
            ("한", 3),
            ("नमस्ते", 4),
            ("ελληνικά", OTHER),
            ("\u{2581}дом", 1),
        ] {
            assert_eq!(family(token.as_bytes()), wanted, "{token}");
        }
        assert_eq!(family(&[0xe2, 0x80]), 0);
    }

    #[test]
    fn every_group_has_enough_rows_and_every_id_a_group() {
        let ids = |from: usize, count: usize| (from..from + count).collect::<Vec<_>>();
        let families =
            [ids(10, 50_000), ids(50_010, 9000), ids(59_010, 8000), Vec::new(), ids(67_010, 300), ids(67_310, 100)];
        let groups = cut(merged(families, ids(0, 10)), 67_410);
        let rows: Vec<usize> = groups.list.iter().map(|group| group.rows).collect();
        assert_eq!(rows, [8192, 8192, 8192, 8192, 8192, 9050, 9000, 8400]);
        assert_eq!(groups.of.len(), 67_410);
        for (number, group) in groups.list.iter().enumerate() {
            assert_eq!(groups.of.iter().filter(|of| usize::from(**of) == number).count(), group.rows, "{}", group.name);
        }
        assert!(groups.of[..10].iter().all(|of| *of == 0), "special tokens come first");
    }

    #[test]
    fn everyday_words_are_there_once() {
        let words: Vec<&str> = EVERYDAY.split_whitespace().collect();
        assert!(words.len() > 2000 && words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_alphabetic())));
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), words.len());
    }

    #[test]
    fn a_small_table_is_one_group() {
        let groups = cut(merged([vec![1, 2], vec![0], vec![3], Vec::new(), Vec::new(), Vec::new()], vec![4]), 5);
        assert_eq!(groups.list.len(), 1);
        assert_eq!(groups.of, [0; 5]);
    }
}
