/**
 * Terms: the words of a text as the words index knows them. `search/src/words.rs` has the same rule, since an index that was made
 * natively must find the same words in every browser; `tests/fixtures/terms.jsonl` holds both to it.
 *
 * 1. A run is letters, digits and marks; `_` and invisible joiners may stand inside it. It has at least one letter or digit.
 * 2. A run is divided where scripts whose words are not told apart by spaces meet others. These are Chinese, Japanese, Thai, Lao,
 *    Khmer and Burmese, and Korean, where particles are written to the end of a word.
 * 3. Of these scripts each pair of neighbouring characters is a term, or a character that is alone. Of the others a piece is one
 *    term; if `_` or a capital after a small letter divides it, each part is a term too, after the whole.
 * 4. A term is folded: compatibility forms, case, and the marks of Latin, Greek, Cyrillic, Hebrew and Arabic make no difference.
 *    That is NFKD, `LEFT_OUT` removed, NFKC, lower case, `WRITTEN` replaced. Of a long term the first 64 code points count.
 */

/** A term with the range of the text that it stands for. */
export interface Term {
  readonly term: string;
  /** Offsets in UTF-16 units; `end` is exclusive. */
  readonly start: number;
  readonly end: number;
  /** Whether it is one character or two of a script that is cut into pairs, and not a word. */
  readonly isPair: boolean;
}

/** The most code points of a term. */
const LONGEST = 64;

/** Soft hyphen, zero-width non-joiner and joiner, word joiner: inside a word they make no other word of it. */
const JOINERS = "\\u00ad\\u200c\\u200d\\u2060";
const RUN = new RegExp(`[\\p{L}\\p{N}\\p{M}](?:[\\p{L}\\p{N}\\p{M}_${JOINERS}]*[\\p{L}\\p{N}\\p{M}])?`, "gu");
const LETTER_OR_DIGIT = /[\p{L}\p{N}]/u;

/** Characters of the scripts that are cut into pairs. The long-vowel mark and others belong to several scripts, hence `scx`. */
const PAIRED = "[\\p{scx=Hani}\\p{scx=Hira}\\p{scx=Kana}\\p{sc=Hang}\\p{sc=Thai}\\p{sc=Laoo}\\p{sc=Khmr}\\p{sc=Mymr}]";
/** What stays with the character before it: marks, joiners, the half-width voiced marks of katakana. */
const ATTACHED = `[\\p{M}${JOINERS}\\uff9e\\uff9f]*`;
const PAIRED_PIECE = new RegExp(`(?:${PAIRED}${ATTACHED})+`, "gu");
/** A character with what is attached to it. Conjoining jamo are one character together: a syllable. */
const CHARACTER = new RegExp(`(?:[\\u1100-\\u115f][\\u1160-\\u11a7][\\u11a8-\\u11ff]?|[^])${ATTACHED}`, "gu");
const HAS_PAIRED = new RegExp(PAIRED, "u");
const PART_ENDS = /_+|(?<=\p{Ll})(?=\p{Lu})/gu;

const ASCII = /^[\0-\x7f]*$/;
/** After decomposition: accents, points and vowel signs that are left out, the stroke that widens Arabic words, variants, joiners. */
const LEFT_OUT = new RegExp(
  `[\\u0300-\\u036f\\u0591-\\u05c7\\u0640\\u064b-\\u065f\\u0670\\u20d0-\\u20ff\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}${JOINERS}]`,
  "gu",
);

/**
 * Small letters that are written in another way where they cannot be had. One form of sigma stands for both, whether a word ends there
 * or not: a word's beginning must be a beginning of it.
 */
const WRITTEN: Readonly<Record<string, string>> = {
  ß: "ss",
  æ: "ae",
  œ: "oe",
  ø: "o",
  đ: "d",
  ð: "d",
  ł: "l",
  ı: "i",
  þ: "th",
  ς: "σ",
};
const WRITTEN_OTHERWISE = new RegExp(`[${Object.keys(WRITTEN).join("")}]`, "gu");

/** Returns the terms of a text in the order in which they begin. */
export function terms(text: string): Term[] {
  const found: Term[] = [];
  for (const match of text.matchAll(RUN)) {
    const [run] = match;
    if (!ASCII.test(run) && !LETTER_OR_DIGIT.test(run)) continue;
    if (ASCII.test(run) || !HAS_PAIRED.test(run)) {
      addWord(run, match.index, found);
      continue;
    }
    let at = 0;
    for (const piece of run.matchAll(PAIRED_PIECE)) {
      if (piece.index > at) addWord(run.slice(at, piece.index), match.index + at, found);
      addPairs(piece[0], match.index + piece.index, found);
      at = piece.index + piece[0].length;
    }
    if (at < run.length) addWord(run.slice(at), match.index + at, found);
  }
  return found;
}

/** Adds a piece that is one word, and its parts. */
function addWord(piece: string, start: number, found: Term[]): void {
  add(piece, start, false, found);
  let at = 0;
  for (const end of piece.matchAll(PART_ENDS)) {
    if (end.index > at) add(piece.slice(at, end.index), start + at, false, found);
    at = end.index + end[0].length;
  }
  if (at > 0 && at < piece.length) add(piece.slice(at), start + at, false, found);
}

/** Adds each pair of neighbouring characters. */
function addPairs(piece: string, start: number, found: Term[]): void {
  const characters = [...piece.matchAll(CHARACTER)];
  if (characters.length === 1) add(piece, start, true, found);
  for (let i = 1; i < characters.length; i += 1) {
    const [first, second] = [characters[i - 1]!, characters[i]!];
    add(first[0] + second[0], start + first.index, true, found);
  }
}

function add(piece: string, start: number, isPair: boolean, found: Term[]): void {
  let term = fold(piece);
  if (term.length > LONGEST) term = [...term].slice(0, LONGEST).join("");
  if (term !== "") found.push({ term, start, end: start + piece.length, isPair });
}

/** Returns what of a text counts when words are compared. */
export function fold(text: string): string {
  if (ASCII.test(text)) return text.toLowerCase();
  const plain = text.normalize("NFKD").replace(LEFT_OUT, "").normalize("NFKC");
  return plain.toLowerCase().replace(WRITTEN_OTHERWISE, (letter) => WRITTEN[letter]!);
}

/** A folded text, and where each of its UTF-16 units comes from. */
export interface Folded {
  readonly text: string;
  /** For unit `i` the range `starts[i]` to `ends[i]` of the original. */
  readonly starts: readonly number[];
  readonly ends: readonly number[];
}

/** Folds a text character by character, with white space as single spaces, so that ranges of it can be found in the original. */
export function foldWithOffsets(text: string): Folded {
  const starts: number[] = [];
  const ends: number[] = [];
  let folded = "";
  for (const { 0: character, index } of text.matchAll(CHARACTER)) {
    const isSpace = character.trim() === "";
    if (isSpace && (folded === "" || folded.endsWith(" "))) continue;
    const part = isSpace ? " " : fold(character);
    for (let i = 0; i < part.length; i += 1) {
      starts.push(index);
      ends.push(index + character.length);
    }
    folded += part;
  }
  return { text: folded, starts, ends };
}
