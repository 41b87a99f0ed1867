//! What holds for all sources.

use super::{COUNTERS, assert_whole, checked, options};
use felsic_search::cut::{Document, Kind};
use proptest::prelude::*;

/// Sources of characters that matter to some kind.
fn any_source() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zäA-Z]{1,8}",
        3 => Just(" ".to_owned()),
        2 => prop::sample::select(vec!["\n", "\r\n", "\r", "\n\n", "\t", "    "]).prop_map(str::to_owned),
        2 => prop::sample::select(vec![". ", "! ", "? ", "。", "！", "…", ", ", "e.g. ", "1.5"]).prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "# ", "## ", "\n---\n", "\n===\n", "```", "~~~", "> ", "- ", "1. ", "| a | b |", "|-|-|", "<!--", "-->",
        ]).prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "<p>", "</p>", "<h1>", "</h1>", "<main>", "<nav>", "</nav>", "<script>", "</script>", "<pre>", "&amp;", "&#65;", "<td>",
            "<", ">", "</", "<!", "=\"", "'",
        ]).prop_map(str::to_owned),
        2 => prop::sample::select(vec!["{", "}", "[", "]", "\"", ":", ",", "\\", "\\u00e9", "null", "\"\"", ";"]).prop_map(str::to_owned),
        1 => prop::sample::select(vec!["😀", "👨‍👩‍👧", "e\u{301}", "日本", "ไทย", "عربي", "\u{0}", "\u{feff}", "\u{fffd}", "🇩🇪"])
            .prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

fn any_kind() -> impl Strategy<Value = Kind> {
    prop::sample::select(Kind::ALL.to_vec())
}

/// The most tokens, and how many are repeated.
fn lengths() -> impl Strategy<Value = (u32, u32)> {
    (1_u32..30).prop_flat_map(|most| (Just(most), 0..most))
}

/// A document of words that all differ, and those that a person reads.
fn words(document: &Document) -> Vec<String> {
    let texts = document.passages.iter().flat_map(|passage| passage.trail.iter().chain([&passage.text]));
    let all = texts.chain(&document.title).flat_map(|text| text.split(|c: char| !c.is_alphanumeric()));
    all.map(str::to_owned).collect()
}

fn assert_has(document: &Document, count: usize, source: &str) -> Result<(), TestCaseError> {
    let words = words(document);
    for number in 0..count {
        let word = format!("w{number}");
        prop_assert!(words.contains(&word), "{word} is lost: {source}");
    }
    Ok(())
}

/// Markdown of words that all differ; returns how many there are.
fn markdown(parts: &[(u8, u8)]) -> (String, usize) {
    let (mut source, mut count) = (String::new(), 0);
    let mut word = || {
        count += 1;
        format!("w{}", count - 1)
    };
    for &(what, size) in parts {
        let mut many = |between: &str| (0..=size).map(|_| word()).collect::<Vec<_>>().join(between);
        match what % 8 {
            0 => source += &format!("{} {}\n", "#".repeat(1 + usize::from(size) % 6), many(" ")),
            1 => source += &format!("{}\n===\n", many(" ")),
            2 => source += &format!("```\n# {}\n```\n\n", many("\n\n")),
            3 => source += &format!("- {}\n", many("\n- ")),
            4 => source += &format!("| {} |\n|---|\n\n", many(" |\n| ")),
            5 => source += &format!("> {}\n\n", many("\n> ")),
            6 => source += "\n<!-- hidden -->\n\n---\n\n",
            _ => source += &format!("{}.\n\n", many(". ")),
        }
    }
    (source, count)
}

/// HTML of words that all differ, with parts that nobody reads; returns how many there are.
fn html(parts: &[(u8, u8)]) -> (String, usize) {
    let (mut body, mut count) = (String::new(), 0);
    let mut word = || {
        count += 1;
        format!("w{}", count - 1)
    };
    for &(what, size) in parts {
        let mut many = |between: &str| (0..=size).map(|_| word()).collect::<Vec<_>>().join(between);
        match what % 9 {
            0 => body += &format!("<h{0}>{1}</h{0}>", 1 + size % 6, many(" ")),
            1 => body += &format!("<p>{}.", many("</b>. <b>")),
            2 => body += &format!("<pre>{}</pre>\n", many("\n\n")),
            3 => body += &format!("<ul><li>{}</ul>", many("<li>")),
            4 => body += &format!("<table><tr><td>{}</table>", many("</td><td>")),
            5 => body += &format!("<div>{}</div>", many("<br>\n")),
            6 => {
                body += "<!-- hidden --><script>hidden</script><style>hidden</style><button>hidden</button><p hidden>hidden</p>"
            }
            7 => {
                body +=
                    "<nav><p>hidden</nav><aside>hidden</aside><footer>hidden</footer><template><p>hidden</p></template>"
            }
            _ => body += &format!("<blockquote>{}</blockquote>", many("&nbsp;&amp; ")),
        }
    }
    if count == 0 {
        // Where there is nothing else, the margin is read.
        return (String::new(), 0);
    }
    let main = if parts.len().is_multiple_of(2) { "main" } else { "div role='main'" };
    let end = main.split(' ').next().unwrap_or(main);
    (format!("<!doctype html><body>hidden<{main} class=\"a>b\">{body}</{end}><p>hidden"), count)
}

/// The same table as CSV, JSON and JSON lines, of words that all differ.
fn tables(rows: &[Vec<u8>]) -> (String, String, String, usize) {
    let mut count = 0;
    let (mut csv, mut objects) = ("a,\"b \"\"c\"\"\",d\n".to_owned(), Vec::new());
    for row in rows {
        let values: Vec<_> = row
            .iter()
            .map(|size| {
                let words: Vec<_> = (0..=*size).map(|at| format!("w{}", count + usize::from(at))).collect();
                count += words.len();
                words
            })
            .collect();
        let fields: Vec<_> = values.iter().map(|words| format!("\"{}\"", words.join("\"\"\n, "))).collect();
        csv += &format!("{}\r\n", fields.join(","));
        let fields: Vec<_> = values
            .iter()
            .enumerate()
            .map(|(at, words)| format!("\"k{at}\": [{{\"x\": \"{}\"}}]", words.join("\\n\\u00e9 ")))
            .collect();
        objects.push(format!("{{{}}}", fields.join(", ")));
    }
    (csv, format!("[{}]", objects.join(",\n")), objects.join("\n"), count)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn passages_are_in_order_and_fit(kind in any_kind(), source in any_source(), (most, overlap) in lengths(), counter in 0..3_usize) {
        checked(kind, &source, options(most, overlap), COUNTERS[counter]);
    }

    #[test]
    fn no_character_is_lost(code in any::<bool>(), source in any_source(), (most, overlap) in lengths(), counter in 0..3_usize) {
        let kind = if code { Kind::Code } else { Kind::Text };
        let document = checked(kind, &source, options(most, overlap), COUNTERS[counter]);
        assert_whole(&source, &document);
    }

    #[test]
    fn no_word_of_markdown_is_lost(
        parts in prop::collection::vec((any::<u8>(), 0..9_u8), 0..12), (most, overlap) in lengths(), counter in 0..3_usize,
    ) {
        let (source, count) = markdown(&parts);
        // Words are whole only where they fit.
        let document = checked(Kind::Markdown, &source, options(most + 8, overlap), COUNTERS[counter]);
        assert_has(&document, count, &source)?;
        prop_assert!(!document.passages.iter().any(|passage| passage.text == "hidden"));
    }

    #[test]
    fn no_word_of_html_is_lost(
        parts in prop::collection::vec((any::<u8>(), 0..9_u8), 0..12), (most, overlap) in lengths(), counter in 0..3_usize,
    ) {
        let (source, count) = html(&parts);
        let document = checked(Kind::Html, &source, options(most + 8, overlap), COUNTERS[counter]);
        assert_has(&document, count, &source)?;
        prop_assert!(!words(&document).iter().any(|word| word == "hidden"), "{source}");
    }

    #[test]
    fn no_value_of_csv_and_json_is_lost(
        rows in prop::collection::vec(prop::collection::vec(0..4_u8, 1..6), 0..8), most in 9..30_u32, counter in 0..3_usize,
    ) {
        let (csv, json, lines, count) = tables(&rows);
        for (kind, source) in [(Kind::Csv, &csv), (Kind::Json, &json), (Kind::Json, &lines)] {
            let document = checked(kind, source, options(most, 0), COUNTERS[counter]);
            assert_has(&document, count, source)?;
        }
    }
}
