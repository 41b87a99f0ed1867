//! Changes at random: to bytes, to JSON, to safetensors files.

use serde_json::{Map, Value, json};

use crate::Target;
use crate::random::Random;

/// Longest input that is made.
const LONGEST: usize = 2 << 20;
/// Length of a seed up to which it is as likely as any other.
const SHORT: usize = 1000;
/// Integers at which something may overflow.
const EDGES: [u64; 14] = [
    0,
    1,
    0x7f,
    0x80,
    0xff,
    0x7fff,
    0xffff,
    0x0100_0000,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 40,
    i64::MAX as u64,
    u64::MAX - 7,
    u64::MAX,
];

/// Returns the input of a case; it depends on seeds, seed and number alone.
pub fn case(target: &Target, seeds: &[Vec<u8>], seed: u64, number: u64) -> Vec<u8> {
    let mut random = Random::of_case(seed, target.name, number);
    let mut input = seed_of(&mut random, seeds).clone();
    for _ in 0..=random.below(3) {
        input = (target.mutate)(&mut random, input, seeds);
    }
    input.truncate(LONGEST);
    input
}

/// Picks a seed: the longer, the more seldom, since one long seed would take the time of many short ones.
fn seed_of<'a>(random: &mut Random, seeds: &'a [Vec<u8>]) -> &'a Vec<u8> {
    let short = seeds.iter().map(Vec::len).min().unwrap_or(0).max(SHORT);
    loop {
        let seed = random.pick(seeds);
        // The shortest is always taken, so that this ends.
        if random.below(seed.len().max(short)) < short {
            return seed;
        }
    }
}

/// Changes bytes.
pub fn bytes(random: &mut Random, mut bytes: Vec<u8>, others: &[Vec<u8>]) -> Vec<u8> {
    let at = random.below(bytes.len() + 1);
    let longest = 1 + (1 << random.below(12));
    let end = at + random.below((bytes.len() - at + 1).min(longest));
    match random.below(11) {
        0 => bytes.truncate(at),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let part = bytes[at..end].to_vec();
            let times = 1 + random.below(64);
            bytes.splice(at..at, part.repeat(times));
        }
        3 => bytes.insert(at, random.bits() as u8),
        4 => {
            let width = 1 << random.below(4);
            let value = random.pick(&EDGES).to_le_bytes();
            overwrite(&mut bytes, at, &value[..width]);
        }
        5 => {
            // A number of variable length.
            let long =
                [[0x80 | random.bits() as u8].repeat(random.below(10)), vec![random.bits() as u8 & 0x7f]].concat();
            overwrite(&mut bytes, at, &long);
        }
        6 => bytes[at..end].fill(*random.pick(&[0, 0x20, 0x61, 0x80, 0xff])),
        7 if !others.is_empty() => {
            let other = random.pick(others);
            let from = random.below(other.len());
            let part = &other[from..from + random.below((other.len() - from).min(1 << 12))];
            bytes.splice(at..end, part.iter().copied());
        }
        _ => {
            for _ in 0..=random.below(4) {
                let at = random.below(bytes.len());
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    bytes
}

fn overwrite(bytes: &mut [u8], at: usize, with: &[u8]) {
    let most = with.len().min(bytes.len() - at);
    bytes[at..at + most].copy_from_slice(&with[..most]);
}

/// Changes a value somewhere in JSON; one time in eight, or if it is not JSON, changes bytes.
pub fn json(random: &mut Random, input: Vec<u8>, others: &[Vec<u8>]) -> Vec<u8> {
    if random.one_in(8) {
        return bytes(random, input, others);
    }
    match serde_json::from_slice::<Value>(&input) {
        Ok(mut value) => {
            change(&mut value, random);
            value.to_string().into_bytes()
        }
        Err(_) => bytes(random, input, others),
    }
}

/// Changes a line of JSON, or doubles, drops or breaks one.
pub fn json_lines(random: &mut Random, input: Vec<u8>, others: &[Vec<u8>]) -> Vec<u8> {
    let mut lines: Vec<Vec<u8>> = input.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let at = random.below(lines.len());
    match random.below(6) {
        0 => drop(lines.remove(at)),
        1 => lines.insert(at, lines[at].clone()),
        2 => return bytes(random, input, others),
        _ => lines[at] = json(random, std::mem::take(&mut lines[at]), &[]),
    }
    lines.join(&b'\n')
}

/// Changes the header of a safetensors file as JSON, and its length with it; or bytes of the file.
pub fn safetensors(random: &mut Random, input: Vec<u8>, others: &[Vec<u8>]) -> Vec<u8> {
    let Some((length, rest)) = input.split_first_chunk().filter(|_| !random.one_in(4)) else {
        return bytes(random, input, others);
    };
    let Some((header, data)) = rest.split_at_checked(u64::from_le_bytes(*length) as usize) else {
        return bytes(random, input, others);
    };
    let header = json(random, header.to_vec(), &[]);
    [&(header.len() as u64).to_le_bytes(), &header[..], data].concat()
}

/// Puts something else somewhere into a value: deeper with every step, as far as it goes.
fn change(value: &mut Value, random: &mut Random) {
    let stops = random.one_in(6);
    match value {
        Value::Array(items) if !items.is_empty() && !stops => {
            let at = random.below(items.len());
            match random.below(10) {
                0 => drop(items.remove(at)),
                1 => items.push(items[at].clone()),
                2 => {
                    let item = items[at].clone();
                    items.extend(std::iter::repeat_n(item, random.below(300)));
                }
                _ => change(&mut items[at], random),
            }
        }
        Value::Object(fields) if !fields.is_empty() && !stops => change_fields(fields, random),
        Value::Bool(flag) if !stops => *flag = !*flag,
        Value::Number(number) if !stops && random.one_in(2) => {
            let near = number.as_i64().unwrap_or(0).wrapping_add(random.below(5) as i64 - 2);
            *value = json!(near);
        }
        Value::String(text) if !stops && random.one_in(2) => {
            let changed = bytes(random, std::mem::take(text).into_bytes(), &[]);
            *text = String::from_utf8_lossy(&changed).into_owned();
        }
        _ => *value = odd(random),
    }
}

fn change_fields(fields: &mut Map<String, Value>, random: &mut Random) {
    let at = random.below(fields.len());
    let name = fields.keys().nth(at).expect("it is below the number").clone();
    match random.below(12) {
        0 => drop(fields.remove(&name)),
        1 => {
            let value = fields.remove(&name).expect("it is there");
            fields.insert(String::from_utf8_lossy(&bytes(random, name.into_bytes(), &[])).into_owned(), value);
        }
        2 => {
            let other = random.below(fields.len());
            let value = fields.values().nth(other).expect("it is below the number").clone();
            fields.insert(name, value);
        }
        _ => change(fields.get_mut(&name).expect("it is there"), random),
    }
}

/// Returns a value that stands for a part of something.
fn odd(random: &mut Random) -> Value {
    match random.below(16) {
        0 => Value::Null,
        1 => json!(random.pick(&EDGES)),
        2 => json!(-1),
        3 => json!(*random.pick(&[0.5, -0.0, 1e-320, 1e308, -1e308])),
        4 => json!(random.one_in(2)),
        5 => json!(""),
        6 => json!("\u{1b}[2J\n\u{202e}\0"),
        7 => json!("x".repeat(random.below(3000))),
        8 => json!([]),
        9 => json!({}),
        // `json!` would copy what it is given, at each depth anew.
        10 => (0..random.below(200)).fold(json!(1), |inner, _| Value::Array(vec![inner])),
        11 => (0..random.below(100)).fold(json!(1), |inner, _| {
            let mut outer = json!({ "type": "Sequence" });
            outer["a"] = inner;
            outer
        }),
        12 => json!([1, "a", null]),
        13 => json!("../../etc/passwd"),
        14 => json!(random.below(70_000)),
        _ => json!({ "a": 1, "": 2 }),
    }
}

/// Pieces of texts: what tokenizers and readers treat in a way of its own.
const PIECES: [&str; 40] = [
    "the",
    " ",
    "  ",
    "\n",
    "\r\n",
    "\t",
    "\u{a0}",
    "\u{3000}",
    "don't",
    "I'LL",
    "HTTPServer",
    "É",
    "ﬁ",
    "e\u{301}",
    "\u{301}",
    "ß",
    "Ǆ",
    "漢字",
    "テ",
    "한",
    "ไทย",
    "🇩🇪",
    "👩‍👩‍👧",
    "\u{200d}",
    "\u{feff}",
    "\u{0}",
    "\u{7f}",
    "\u{fdfa}",
    "1234567",
    "½",
    "...",
    "<s>",
    "</s>",
    "[MASK]",
    "[CLS]",
    "<bos>",
    "<|endoftext|>",
    "##ing",
    "\u{2581}",
    "\u{10ffff}",
];

/// Changes a text: pieces in, pieces out, bytes changed and made UTF-8 again.
pub fn text(random: &mut Random, input: Vec<u8>, others: &[Vec<u8>]) -> Vec<u8> {
    if random.one_in(4) {
        return bytes(random, input, others);
    }
    let mut text = String::from_utf8_lossy(&input).into_owned();
    for _ in 0..=random.below(8) {
        let at = text.floor_char_boundary(random.below(text.len() + 1));
        let most = if random.one_in(100) { 400 } else { 3 };
        let piece = random.pick(&PIECES).repeat(1 + random.below(most));
        text.insert_str(at, &piece);
    }
    text.into_bytes()
}
