//! JSON of strangers: how much memory a tree of it would take, known before there is one, and what can be said without one.

/// Bytes that a tree may take for each byte of JSON, and beside; files with many fields take some ten for each.
const TIMES: u64 = 24;
const BESIDE: u64 = 32 << 20;

/// Returns whether the tree of some JSON would take far more memory than that of any file with so many bytes: an object in six bytes takes a
/// hundred times as many.
pub(crate) fn is_too_large(json: &[u8]) -> bool {
    json.iter().map(tree_bytes).sum::<u64>() > BESIDE + TIMES * json.len() as u64
}

/// Returns the bytes that the tree takes for what begins with a character: an object has room for eleven fields, a list for four values, and grows
/// to twice as many.
fn tree_bytes(character: &u8) -> u64 {
    match character {
        b'{' => 640,
        b'[' => 128,
        b',' => 64,
        _ => 0,
    }
}

/// Returns the format that a file of JSON says to be of, without a tree of it.
#[cfg(feature = "native")]
pub(crate) fn format_in(json: &[u8]) -> Option<String> {
    #[derive(serde::Deserialize)]
    struct Head {
        format: String,
    }
    serde_json::from_slice(json).ok().map(|Head { format }| format)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(feature = "native")]
    fn a_file_says_its_format_whatever_else_is_in_it() {
        let of = |json: &str| format_in(json.as_bytes());
        assert_eq!(of("{\"a\":[{},{}],\"format\":\"felsic-index\",\"version\":9}").as_deref(), Some("felsic-index"));
        for json in ["", "[]", "{}", "{\"format\":1}", "{\"format\":\"felsic-index\"", "\"felsic-index\""] {
            assert_eq!(of(json), None, "{json}");
        }
    }

    #[test]
    fn what_would_take_too_much_memory_is_found() {
        for value in ["{\"\":1},", "[],", "1,"] {
            let of = |count: usize| format!("[{}0]", value.repeat(count));
            assert!(!is_too_large(of(40_000).as_bytes()), "{value}");
            assert!(is_too_large(of(4_000_000).as_bytes()), "{value}");
        }
    }

    #[test]
    fn files_of_checkpoints_are_read_however_long() {
        // As tokenizer_config.json describes tokens, config.json names classes, and the list of weights has tensors; no model has as many.
        let forms: [fn(usize) -> String; 3] = [
            |at| {
                format!(
                    "\"{at}\": {{\"content\": \"<unused{at}>\", \"lstrip\": false, \"normalized\": false, \"rstrip\": false, \
                     \"single_word\": false, \"special\": true}}"
                )
            },
            |at| format!("\"{at}\":\"LABEL_{at}\""),
            |at| format!("\"layers.{at}.w\":\"model-00001-of-00002.safetensors\""),
        ];
        for form in forms {
            let fields: Vec<String> = (0..200_000).map(form).collect();
            assert!(!is_too_large(format!("{{\"fields\": {{{}}}}}", fields.join(",")).as_bytes()), "{}", form(0));
        }
    }
}
