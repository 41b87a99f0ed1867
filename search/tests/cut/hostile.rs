//! Sources that are made to do harm: everything ends, soon, and without a panic.

use super::{COUNTERS, checked, options, passages, words};
use felsic_search::cut::Kind;
use std::time::{Duration, Instant};

/// Sources of a quarter of a megabyte.
fn sources() -> Vec<(&'static str, String)> {
    let many = |piece: &str| piece.repeat(250_000 / piece.len());
    let mut sources: Vec<(&str, String)> = [
        "<",
        "<a",
        "<p>",
        "<h1>",
        "</div>",
        "<div>",
        "<nav>",
        "<script>",
        "<!--",
        "&",
        "&#",
        "&#x",
        "<a b=\"",
        "<pre>",
        "<td>",
        "<title>",
        "# ",
        "#\n",
        "```\n",
        "~~~ a\n",
        "    ```\n",
        "- ",
        "> ",
        ">",
        "|",
        "|-|\n",
        "---\n",
        "a\n---\n",
        "# <a",
        "[",
        "](",
        "<!-- a\n",
        "{",
        "[",
        "{\"a\":",
        "\"",
        "\\",
        "[[\"",
        "\"\",",
        ",",
        "\"a\"\"",
        ";",
        "\n",
        "\r",
        "\r\n",
        " ",
        "\t",
        "\u{0}",
        "\u{feff}",
        "a",
        "a ",
        "。",
        ". ",
        ". (",
        ".)",
        ". 1",
        "A. ",
        "e\u{301}",
        "\u{301}",
        "\u{200d}",
        "🇩",
        "ไทย",
        "\u{e000}",
        "\u{2028}",
        "title: \n",
    ]
    .into_iter()
    .map(|piece| (piece, many(piece)))
    .collect();
    sources.push(("wide gaps", ("a.".to_owned() + &" ".repeat(10_000)).repeat(25)));
    sources.push(("wide words", ("a".to_owned() + &" ".repeat(10_000)).repeat(25)));
    sources.push(("deep and closed", "[".repeat(100_000) + &"]".repeat(100_000)));
    sources.push(("deep list", (0..700).map(|depth| " ".repeat(depth) + "- a\n").collect()));
    sources.push(("front matter", "---\n".to_owned() + &many("title: a\n")));
    sources.push(("white end", "a".to_owned() + &many(" ")));
    sources
}

#[test]
fn long_runs_of_anything_end_soon() {
    for (name, source) in sources() {
        for kind in Kind::ALL {
            let started = Instant::now();
            passages(kind, &source, options(200, 30), words);
            let took = started.elapsed();
            assert!(took < Duration::from_secs(2), "{kind:?} of {name:?} took {took:?}");
        }
    }
}

#[test]
fn hostile_sources_have_passages_like_others() {
    for (_, mut source) in sources() {
        source.truncate(source.floor_char_boundary(3000));
        for kind in Kind::ALL {
            for counter in COUNTERS {
                checked(kind, &source, options(7, 2), counter);
            }
        }
    }
}

#[test]
fn counters_that_lie_do_no_harm() {
    for kind in Kind::ALL {
        for tokens in [0, u32::MAX] {
            let source = "# A title\n\n<h1>Some words</h1>\n\n- and. A list.\n\n\"a\",b\n".repeat(20);
            let lie = if tokens == 0 { |_: &str| 0 } else { |_: &str| u32::MAX };
            passages(kind, &source, options(5, 2), lie);
        }
    }
}

#[test]
fn the_work_is_linear() {
    let of = |size: usize| {
        let source = "Some words of a line that does not end, ".repeat(size * 6_000);
        let started = Instant::now();
        passages(Kind::Text, &source, options(200, 30), words);
        started.elapsed()
    };
    of(1);
    let (one, eight) = (of(1), of(8));
    assert!(eight < one * 24 + Duration::from_millis(200), "{one:?}, eight times as much {eight:?}");
}
