//! Small parts to passages.

use super::reading::Level;
use super::split::Part;
use std::ops::Range;

/// The widest gap between two parts, in bytes, that a passage reaches across.
pub(super) const WIDEST_GAP: usize = 64;

/// A part with its tokens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub part: Part,
    pub tokens: u64,
}

/// How many tokens passages have.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// The most tokens of a passage, without its first line.
    pub most: u64,
    /// The most tokens that it repeats of the one before.
    pub overlap: u64,
}

/// A passage: units, the first of them repeated from the passage before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Packed {
    pub units: Range<usize>,
    pub repeated: usize,
}

/// Joins the units of one section to passages: as many as fit, but rather ending at a better
/// place if that leaves the passage at least half full. What is far apart in the text is not joined.
pub(super) fn pack(units: &[Unit], room: Room) -> Vec<Packed> {
    let mut packed = Vec::new();
    let mut from = 0;
    while from < units.len() {
        let end = run_end(units, from);
        pack_run(units, from..end, room, &mut packed);
        from = end;
    }
    packed
}

/// Returns where the units end that follow one another without a gap.
fn run_end(units: &[Unit], from: usize) -> usize {
    let gap = units[from..].windows(2).position(|pair| pair[1].part.start - pair[0].part.end > WIDEST_GAP);
    gap.map_or(units.len(), |at| from + at + 1)
}

fn pack_run(units: &[Unit], run: Range<usize>, room: Room, packed: &mut Vec<Packed>) {
    let mut left: u64 = tokens(&units[run.clone()]);
    let mut from = run.start;
    let mut before = from;
    while from < run.end {
        let repeated = repeated(units, before..from, room);
        let space = room.most.saturating_sub(tokens(&units[from - repeated..from])).max(1);
        let end = passage_end(units, from..run.end, left, space);
        packed.push(Packed { units: from - repeated..end, repeated });
        left = left.saturating_sub(tokens(&units[from..end]));
        before = from;
        from = end;
    }
}

/// Returns how many units at the end of the passage before are repeated: whole sentences, never all of them, that
/// leave room for the first new one.
fn repeated(units: &[Unit], passage: Range<usize>, room: Room) -> usize {
    let Some(next) = units.get(passage.end).filter(|next| next.part.level <= Level::Sentence) else { return 0 };
    let most = room.overlap.min(room.most / 2).min(room.most.saturating_sub(next.tokens));
    let (mut sum, mut count, mut whole) = (0, 0, 0);
    for at in passage.skip(1).rev() {
        sum += units[at].tokens;
        if sum > most {
            break;
        }
        count += 1;
        // A sentence that was divided is repeated as a whole or not at all.
        if units[at].part.level <= Level::Sentence {
            whole = count;
        }
    }
    whole
}

/// Returns where a passage ends that starts with the units of `rest`; they have `left` tokens.
fn passage_end(units: &[Unit], rest: Range<usize>, left: u64, space: u64) -> usize {
    if left <= space {
        return rest.end;
    }
    // What would leave a short rest is divided about evenly.
    let (least, enough) = if left < space + space / 2 {
        let even = left - left * 2 / 5;
        ((left - space).max(even / 2), even)
    } else {
        (space / 2, space)
    };
    let mut sum = 0;
    let mut best: Option<(Level, usize)> = None;
    for at in rest.clone() {
        if at > rest.start && sum >= least && best.is_none_or(|(level, _)| units[at].part.level <= level) {
            best = Some((units[at].part.level, at));
        }
        sum += units[at].tokens;
        if sum > space || (sum > enough && best.is_some()) {
            return best.map_or(at, |(_, at)| at).max(rest.start + 1);
        }
    }
    rest.end
}

fn tokens(units: &[Unit]) -> u64 {
    units.iter().map(|unit| unit.tokens).sum()
}
