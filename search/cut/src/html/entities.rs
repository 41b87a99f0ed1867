//! Entities: `&amp;`, `&#228;`, `&#xe4;`.

use super::super::lines::{behind, within};
/// The longest name that is looked up.
const LONGEST: usize = 10;

/// What U+0080 to U+009F mean in a number: they are taken as Windows-1252.
const WINDOWS: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The names of HTML 4 for U+00A0 to U+00FF, in their order.
const LATIN: &str = "nbsp iexcl cent pound curren yen brvbar sect uml copy ordf laquo not shy reg macr deg plusmn sup2 sup3 \
    acute micro para middot cedil sup1 ordm raquo frac14 frac12 frac34 iquest Agrave Aacute Acirc Atilde Auml Aring AElig \
    Ccedil Egrave Eacute Ecirc Euml Igrave Iacute Icirc Iuml ETH Ntilde Ograve Oacute Ocirc Otilde Ouml times Oslash Ugrave \
    Uacute Ucirc Uuml Yacute THORN szlig agrave aacute acirc atilde auml aring aelig ccedil egrave eacute ecirc euml igrave \
    iacute icirc iuml eth ntilde ograve oacute ocirc otilde ouml divide oslash ugrave uacute ucirc uuml yacute thorn yuml";

/// Other names, each followed by what it means.
const OTHERS: &str = "amp & lt < gt > quot \" apos ' hellip … ndash – mdash — lsquo ‘ rsquo ’ ldquo “ rdquo ” sbquo ‚ bdquo „ \
    lsaquo ‹ rsaquo › bull • dagger † Dagger ‡ permil ‰ prime ′ Prime ″ trade ™ euro € larr ← uarr ↑ rarr → darr ↓ harr ↔ \
    lArr ⇐ rArr ⇒ hArr ⇔ minus − lowast ∗ radic √ infin ∞ asymp ≈ ne ≠ equiv ≡ le ≤ ge ≥ sum ∑ prod ∏ part ∂ int ∫ forall ∀ \
    exist ∃ empty ∅ isin ∈ notin ∉ cap ∩ cup ∪ sub ⊂ sup ⊃ and ∧ or ∨ alpha α beta β gamma γ delta δ epsilon ε theta θ \
    lambda λ mu μ pi π rho ρ sigma σ tau τ phi φ chi χ psi ψ omega ω Gamma Γ Delta Δ Theta Θ Lambda Λ Pi Π Sigma Σ Phi Φ \
    Psi Ψ Omega Ω OElig Œ oelig œ Scaron Š scaron š Yuml Ÿ fnof ƒ circ ˆ tilde ˜ check ✓ star ☆ para ¶ lbrace { rbrace } \
    lbrack [ rbrack ] lpar ( rpar ) num # colon : comma , period . excl ! quest ? sol / bsol \\ lowbar _ ast * plus + equals = \
    dollar $ percnt % commat @ grave ` Hat ^ vert | semi ;";

/// Passes the parts of a text on, with where they stand in the source: as they are, and what entities mean.
pub(super) fn decode(source: &str, start: usize, end: usize, mut take: impl FnMut(&str, usize, usize)) {
    let mut at = start;
    let mut copied = start;
    let mut room = [0; 4];
    while at < end {
        let rest = within(source, at, end);
        let meaning = match rest.as_bytes()[0] {
            b'&' => entity(rest),
            0 => Some(('\u{fffd}', 1)),
            _ => None,
        };
        let Some((meaning, length)) = meaning else {
            let next = rest.as_bytes()[1..].iter().position(|&byte| byte == b'&' || byte == 0);
            at = next.map_or(end, |next| at + 1 + next);
            continue;
        };
        if copied < at {
            take(within(source, copied, at), copied, at);
        }
        take(meaning.encode_utf8(&mut room), at, at + length);
        at += length;
        copied = at;
    }
    if copied < end {
        take(within(source, copied, end), copied, end);
    }
}

/// Returns what the entity means that a text starts with, and its length.
fn entity(text: &str) -> Option<(char, usize)> {
    let body = behind(text, 1);
    if let Some(digits) = body.strip_prefix('#') {
        let hex = digits.strip_prefix(['x', 'X']);
        let (digits, radix, before) = hex.map_or((digits, 10, 2), |digits| (digits, 16, 3));
        let mut code: u32 = 0;
        let mut length = 0;
        for digit in digits.chars().map_while(|c| c.to_digit(radix)) {
            code = code.saturating_mul(radix).saturating_add(digit);
            length += 1;
        }
        if length == 0 {
            return None;
        }
        let has_end = behind(digits, length).starts_with(';');
        return Some((numbered(code), before + length + usize::from(has_end)));
    }
    let length = body.bytes().take(LONGEST).take_while(u8::is_ascii_alphanumeric).count();
    let name = within(body, 0, length);
    let has_end = behind(body, length).starts_with(';');
    // Only the oldest names do without a semicolon.
    let is_old = || ["amp", "lt", "gt", "quot", "nbsp", "copy", "reg"].contains(&name);
    if !has_end && !is_old() {
        return None;
    }
    Some((named(name)?, 1 + length + usize::from(has_end)))
}

fn numbered(code: u32) -> char {
    match code {
        0 => '\u{fffd}',
        0x80..=0x9f => WINDOWS[code as usize - 0x80],
        _ => char::from_u32(code).unwrap_or('\u{fffd}'),
    }
}

fn named(name: &str) -> Option<char> {
    if let Some(number) = LATIN.split_ascii_whitespace().position(|known| known == name) {
        return char::from_u32(0xa0 + number as u32);
    }
    let mut others = OTHERS.split_ascii_whitespace();
    while let Some(known) = others.next() {
        let meaning = others.next()?;
        if known == name {
            return meaning.chars().next();
        }
    }
    None
}
