//! One test for each rule.

use super::{Counter, characters, options, passages, words};
use felsic_search::cut::{Cutter, Document, Kind, Options, kind};
use felsic_search::error::Code;

fn texts(document: &Document) -> Vec<&str> {
    document.passages.iter().map(|passage| passage.text.as_str()).collect()
}

fn inputs(document: &Document) -> Vec<&str> {
    document.passages.iter().map(|passage| passage.input.as_str()).collect()
}

fn cut(kind: Kind, source: &str, most: u32, overlap: u32) -> Document {
    passages(kind, source, options(most, overlap), words)
}

#[test]
fn lengths_that_make_no_sense_are_refused() {
    for (most, overlap) in [(0, 0), (10, 10), (10, 11)] {
        let error = Cutter::new(Kind::Text, "text", options(most, overlap)).expect_err("refused");
        assert_eq!(error.code(), Code::InputInvalid, "{most} {overlap}");
    }
    assert_eq!(kind("pdf").expect_err("unknown").code(), Code::InputInvalid);
    for known in Kind::ALL {
        assert_eq!(kind(known.as_str()), Ok(known));
    }
}

#[test]
fn counts_have_to_fit_the_pieces() {
    let mut cutter = Cutter::new(Kind::Text, "One.\n\nTwo.", options(10, 0)).expect("valid");
    assert_eq!(cutter.pieces(), ["One.\n\n", "Two."]);
    assert_eq!(cutter.passages().expect_err("too early").code(), Code::InputInvalid);
    assert_eq!(cutter.counted(&[1]).expect_err("too few").code(), Code::InputInvalid);
    cutter.counted(&[1, 1]).expect("two counts");
    assert_eq!(cutter.pieces(), ["One.\n\nTwo."]);
    cutter.counted(&[3]).expect("one count");
    assert_eq!(cutter.passages().expect("known").len(), 1);
}

#[test]
fn nothing_has_no_passages() {
    for kind in Kind::ALL {
        for source in ["", " \n\t\r\n", "\u{feff}", "\u{feff}\n"] {
            assert_eq!(cut(kind, source, 10, 2).passages, [], "{kind:?} {source:?}");
        }
    }
}

#[test]
fn small_paragraphs_are_joined_and_long_ones_divided_at_sentences() {
    let source = "One two.\n\nThree four.\n\nA b c d. E f g h. I j k l. M n o p.\n";
    let document = cut(Kind::Text, source, 8, 0);
    assert_eq!(texts(&document), ["One two.\n\nThree four.", "A b c d. E f g h.", "I j k l. M n o p."]);
}

#[test]
fn a_passage_repeats_whole_sentences_of_the_one_before() {
    let source = "A b c d. E f. G h i j. K l m n. O p q r. S t u v.";
    let document = cut(Kind::Text, source, 10, 4);
    assert_eq!(texts(&document), ["A b c d. E f. G h i j.", "G h i j. K l m n.", "O p q r. S t u v."]);
}

#[test]
fn nothing_is_repeated_under_another_heading() {
    let document = cut(Kind::Markdown, "# A\n\nOne two three.\n\n# B\n\nFour five six.\n", 10, 4);
    assert_eq!(texts(&document), ["One two three.", "Four five six."]);
}

#[test]
fn offsets_are_utf_16() {
    let document = cut(Kind::Text, "😀é\n\n𝒳y", 2, 0);
    let offsets: Vec<_> = document.passages.iter().map(|passage| (passage.start, passage.end)).collect();
    assert_eq!(offsets, [(0, 3), (5, 8)]);
}

#[test]
fn a_line_that_is_full_ends_no_sentence_and_an_item_of_a_list_does() {
    let source = "One two\nthree four. Five\r\nsix seven eight.\n- nine ten\n- eleven";
    let expected = ["One two\nthree four.", "Five\r\nsix seven eight.", "- nine ten", "- eleven"];
    assert_eq!(texts(&cut(Kind::Text, source, 4, 0)), expected);
}

#[test]
fn a_dot_of_an_abbreviation_ends_no_sentence() {
    let source = "See e.g. J. Smith (p. 7). Version 2.5 is out! \"Really?\" he asked. Да. Нет.";
    let expected = ["See e.g. J. Smith (p. 7).", "Version 2.5 is out!", "\"Really?\" he asked.", "Да. Нет."];
    let document = passages(Kind::Text, source, options(26, 0), characters);
    assert_eq!(texts(&document), expected);
}

#[test]
fn languages_without_spaces_have_sentences() {
    let source = "今日は雨です。明日は晴れるでしょう！本当ですか？はい。";
    let document = passages(Kind::Text, source, options(12, 0), characters);
    assert_eq!(texts(&document), ["今日は雨です。", "明日は晴れるでしょう！", "本当ですか？はい。"]);
}

#[test]
fn a_word_is_divided_only_if_it_is_too_long_and_a_grapheme_only_then() {
    assert_eq!(texts(&passages(Kind::Text, "abcdef ghi", options(7, 0), characters)), ["abcdef", "ghi"]);
    let family = "👨‍👩‍👧‍👦".repeat(4);
    for passage in passages(Kind::Text, &family, options(8, 0), characters).passages {
        assert_eq!(passage.text, "👨‍👩‍👧‍👦");
    }
    let accents = "e\u{301}".repeat(9);
    for passage in passages(Kind::Text, &accents, options(5, 0), characters).passages {
        assert!(passage.text.starts_with('e'), "{:?}", passage.text);
    }
    for word in ["กำ".repeat(9), "की".repeat(9), "각".repeat(9), "🇩🇪".repeat(9)] {
        let whole = word.chars().take(2).collect::<String>();
        for passage in passages(Kind::Text, &word, options(5, 0), characters).passages {
            assert!(passage.text.starts_with(&whole), "{:?}", passage.text);
        }
    }
    assert_eq!(passages(Kind::Text, "👨‍👩‍👧‍👦", options(1, 0), characters).passages.len(), 7);
}

#[test]
fn a_first_line_names_title_and_headings() {
    let source = "# Guide\n\nHello.\n\n## Install\n\n### On Linux\n\nRun it.\n";
    let document = cut(Kind::Markdown, source, 40, 0);
    assert_eq!(document.title.as_deref(), Some("Guide"));
    assert_eq!(inputs(&document), ["Guide\nHello.", "Guide › Install › On Linux\nRun it."]);
    assert_eq!(document.passages[1].trail[..], ["Install", "On Linux"]);
    let titled = Options { title: Some("Manual".into()), ..options(40, 0) };
    let document = passages(Kind::Markdown, source, titled, words);
    assert_eq!(document.title.as_deref(), Some("Guide"));
    assert_eq!(inputs(&document), ["Manual › Guide\nHello.", "Manual › Guide › Install › On Linux\nRun it."]);
}

#[test]
fn a_first_line_takes_at_most_a_quarter() {
    let first = |most: u32, count: Counter| {
        let source = "# The whole title\n\n## Middle heading\n\n### The last of the headings\n\nText.";
        let document = passages(Kind::Markdown, source, options(most, 0), count);
        document.passages[0].input.lines().next().map(str::to_owned)
    };
    assert_eq!(first(48, words).as_deref(), Some("The whole title › Middle heading › The last of the headings"));
    assert_eq!(first(40, words).as_deref(), Some("The whole title › The last of the headings"));
    assert_eq!(first(20, words).as_deref(), Some("The last of the headings"));
    assert_eq!(first(12, words).as_deref(), Some("The last of…"));
    assert_eq!(first(3, words).as_deref(), Some("Text."));
}

#[test]
fn headings_are_what_commonmark_says() {
    let source = "Intro\n\nSetext one\n===\n\nText a.\n\nSetext two\nover lines\n---\n\nText b.\n\n#hash\n\n```sh\n# no heading\n```\n\n> ~~~\n> # nor this\n\n# Real #\n\n    # code\n\n* * *\n- a\n---\n## *Em* `x_y` [link](http://a.b/c) \\# {#id}\nEnd.\n";
    let trails: Vec<(String, String)> = cut(Kind::Markdown, source, 100, 0)
        .passages
        .into_iter()
        .map(|passage| (passage.trail.join("/"), passage.text))
        .collect();
    let expected = [
        ("", "Intro"),
        ("", "Text a."),
        ("Setext two over lines", "Text b.\n\n#hash\n\n```sh\n# no heading\n```\n\n> ~~~\n> # nor this"),
        ("Real", "# code\n\n* * *\n- a"),
        ("Real/Em x_y link #", "End."),
    ];
    let joined: Vec<_> = expected.iter().map(|&(trail, text)| (trail.to_owned(), text.to_owned())).collect();
    assert_eq!(trails, joined);
}

fn html(source: &str) -> Document {
    cut(Kind::Html, source, 100, 0)
}

#[test]
fn of_a_page_its_main_content_is_read() {
    let page = |inside: &str| format!("<title>A &amp; B</title><nav>Menu</nav>{inside}<footer>Legal</footer>");
    let document = html(&page("<p>Aside</p><main><p>Text</p></main>"));
    assert_eq!(inputs(&document), ["A & B\nText"]);
    assert_eq!(document.title.as_deref(), Some("A & B"));
    assert_eq!(texts(&html(&page("<p>Aside</p><div role=main><p>Text</p></div>"))), ["Text"]);
    assert_eq!(
        texts(&html(&page("<p>Aside</p><article><header>By me</header>Text</article>"))),
        ["By me\nText"].map(|_| "By me\n\nText")
    );
    assert_eq!(texts(&html(&page("<header>Logo</header><p>Text</p><main> </main>"))), ["Text"]);
    assert_eq!(texts(&html(&page("<p hidden>Secret</p>"))), ["Menu\n\nLegal"]);
}

#[test]
fn a_page_has_sections_lists_tables_and_code() {
    let source = "<h1>Guide <a href='#x'>¶</a></h1>\n<p>One\n  <b>tw</b>o.<p>Three<br>four &lt;p&gt; &eacute;&#8364;&#x1F600; &unknown; &copy 5\n\
        <h2>Table</h2><table><tr><th>Name<th>Value<tr><td>a</td>\n<td>1</td></tr></table>\
        <h2>Code</h2><pre><code>if a &lt; b {\n    c();\n}</code></pre><ul><li>x<li>y</ul>";
    let document = html(source);
    let found: Vec<_> =
        document.passages.iter().map(|passage| (passage.trail.join("/"), passage.text.as_str())).collect();
    let expected = [
        ("", "One two.\n\nThree\nfour <p> é€😀 &unknown; © 5"),
        ("Table", "Name | Value\na | 1"),
        ("Code", "if a < b {\n    c();\n}\n\nx\ny"),
    ];
    assert_eq!(found, expected.map(|(trail, text)| (trail.to_owned(), text)));
    assert_eq!(document.title.as_deref(), Some("Guide"));
    let code = &document.passages[2];
    let slice: String =
        source.encode_utf16().skip(code.start).take(code.end - code.start).map(|unit| unit as u8 as char).collect();
    assert_eq!(slice, "if a &lt; b {\n    c();\n}</code></pre><ul><li>x<li>y");
}

#[test]
fn a_row_is_a_passage() {
    let source = "name;note;\r\nAnn;\"likes \"\"tea\"\"\nand; cake\";x\r\n\r\n;;\nBob;;\n";
    let document = cut(Kind::Csv, source, 100, 0);
    assert_eq!(texts(&document), ["name: Ann\nnote: likes \"tea\"\nand; cake\nx", "name: Bob"]);
    let rows: Vec<_> = document.passages.iter().map(|passage| &source[passage.start..passage.end]).collect();
    assert_eq!(rows, ["Ann;\"likes \"\"tea\"\"\nand; cake\";x", "Bob"]);
    assert_eq!(texts(&cut(Kind::Csv, "a,b\n", 100, 0)), ["a\nb"]);
}

#[test]
fn an_item_of_json_is_a_passage() {
    let array = r#"[{"name": "Ann \"A\"", "age": 7, "tags": ["x", "y"], "of": {"city": "K\u00f6ln \ud83d\ude00"}, "no": null}, "alone", [1, 2]]"#;
    let expected = ["name: Ann \"A\"\nage: 7\ntags: x, y\nof\ncity: Köln 😀", "alone", "1, 2"];
    assert_eq!(texts(&cut(Kind::Json, array, 100, 0)), expected);
    let lines = "{\"a\": \"one\"}\n{\"a\": true}\r\n\"three\"\nnot json";
    assert_eq!(texts(&cut(Kind::Json, lines, 100, 0)), ["a: one", "a: true", "three", "not", "json"]);
    let object = cut(Kind::Json, r#"{"pages": [{"t": "a b c d"}, {"t": "e f g h"}]}"#, 7, 0);
    assert_eq!(texts(&object), ["pages\nt: a b c d", "t: e f g h"]);
}

/// Returns the anchor of each passage, empty if it has none.
fn anchors(kind: Kind, source: &str) -> Vec<String> {
    let document = cut(kind, source, 100, 0);
    document.passages.iter().map(|passage| passage.anchor.as_deref().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_passage_of_markdown_leads_to_the_nearest_heading() {
    let source = "# Guide\n\nIntroduction.\n\n## Install it!\n\nOne.\n\n### On `Linux` {#linux}\n\nTwo.\n\nThe [Windows](w.md) part\n---\n\n\
        Three.\n\n## Install it\n\n## Empty\n\n## _Last_\n\nFour.\n";
    let want = ["", "install-it", "linux", "the-windows-part", "install-it-1", "last"];
    assert_eq!(anchors(Kind::Markdown, source), want);
    // The title has none, and what follows it neither; a heading without words has that of the heading above.
    assert_eq!(anchors(Kind::Markdown, "# Guide\n\nOne.\n\n## A\n\n### ?\n\nTwo."), ["", "a"]);
    for kind in [Kind::Text, Kind::Code, Kind::Csv, Kind::Json] {
        assert!(anchors(kind, "# A\n\nb\n").iter().all(String::is_empty), "{kind:?}");
    }
}

#[test]
fn a_passage_of_a_page_leads_to_the_nearest_heading_with_an_id() {
    let of = |source: &str| anchors(Kind::Html, &format!("<h1 id=top>Title</h1><p>First.</p>{source}"))[1..].join(" ");
    for (source, anchor) in [
        ("<h2 id=\"a\">A</h2><p>Text.", "a"),
        ("<section id='a'><h2>A</h2><p>Text.</section>", "a"),
        ("<section id=a><span id=b></span><h2>A</h2><p>Text.", "b"),
        ("<section id=a><h2 id=own>A</h2><p>Text.", "own"),
        ("<a name=a></a>\n<h2>A</h2><p>Text.", "a"),
        ("<p><a id=a></a></p><h2>A</h2><p>Text.", "a"),
        ("<h2><a id=a href=\"#a\">A</a> <b id=late>b</b></h2><p>Text.", "a"),
        ("<h2 ID=a id=b>A</h2><p>Text.", "a"),
        // An anchor above that has a text before the heading is not the heading's.
        ("<section id=a><p>Text of the section.</p><h2>A</h2><p>Text.", ""),
        ("<h2 id=a>A</h2><p>One.<h3>B</h3><p>Two.<h2>C</h2><p>Three.", "a a "),
        ("<h2 id=a>A</h2><h2 id=b>B</h2><p>Text.", "a b"),
        // A name leads somewhere in links alone.
        ("<form name=a><h2>A</h2><p>Text.", ""),
        ("<div id=a hidden></div><h2>A</h2><p>Text.", ""),
        ("<template id=t><b id=a></b></template><h2>A</h2><p>Text.", ""),
        ("<h2 id=\"no spaces\">A</h2><p>Text.", ""),
        ("<h2 id=\"über-uns\">A</h2><p>Text.", "über-uns"),
        ("<nav id=nav>Menu</nav><h2>A</h2><p>Text.", ""),
        ("</section id=a><h2>A</h2><p>Text.", ""),
    ] {
        assert_eq!(of(source), anchor, "{source}");
    }
    assert_eq!(of(&format!("<h2 id={}>A</h2><p>Text.", "x".repeat(201))), "");
    // Without a given title the first heading is it, and leads to the page.
    assert_eq!(anchors(Kind::Html, "<h1 id=top>Title</h1><p>First."), [""]);
}
