/** What of a passage is shown as found: words, a phrase, sentences. Pure functions of texts. */

import { foldWithOffsets, terms } from "./terms.js";

/** A range of a text, in UTF-16 units; `end` is exclusive. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/**
 * Returns where the given terms stand in a text, in order; ranges that overlap or touch are one.
 *
 * @param found terms as the words index has them: the `terms` of a result, which are those that a beginning or a misspelt word matched
 */
export function highlights(text: string, found: Iterable<string>): Range[] {
  const wanted = new Set(found);
  if (wanted.size === 0) return [];
  return merged(terms(text).filter(({ term }) => wanted.has(term)));
}

/**
 * Returns where a phrase stands in a text, in order. Case, accents, compatibility forms and the width of white space make no
 * difference; everything else does. A phrase that begins or ends with a letter or digit does not begin or end inside a word.
 */
export function phraseRanges(text: string, phrase: string): Range[] {
  const wanted = foldWithOffsets(phrase).text.trim();
  if (wanted === "") return [];
  const folded = foldWithOffsets(text);
  const ranges: Range[] = [];
  for (let at = folded.text.indexOf(wanted); at >= 0; at = folded.text.indexOf(wanted, at + 1)) {
    const end = at + wanted.length;
    if (isInsideWord(folded.text, at) || isInsideWord(folded.text, end)) continue;
    ranges.push({ start: folded.starts[at]!, end: folded.ends[end - 1]! });
  }
  return merged(ranges);
}

/** Whether a text contains a phrase, as {@link phraseRanges} finds it. */
export const hasPhrase = (text: string, phrase: string): boolean => phraseRanges(text, phrase).length > 0;

/** Letters, digits and marks of scripts with spaces between words; in the others a word may begin anywhere. */
const IN_WORD =
  /^(?![\p{scx=Hani}\p{scx=Hira}\p{scx=Kana}\p{sc=Hang}\p{sc=Thai}\p{sc=Laoo}\p{sc=Khmr}\p{sc=Mymr}])[\p{L}\p{N}\p{M}_]/u;

function isInsideWord(text: string, at: number): boolean {
  if (at <= 0 || at >= text.length) return false;
  const before = text.codePointAt(at - 2) ?? 0;
  const previous = at >= 2 && before > 0xffff ? String.fromCodePoint(before) : text[at - 1]!;
  return IN_WORD.test(previous) && IN_WORD.test(text.slice(at, at + 2));
}

function merged(ranges: readonly Range[]): Range[] {
  const result: { start: number; end: number }[] = [];
  for (const { start, end } of ranges) {
    const last = result.at(-1);
    if (last && start <= last.end) last.end = Math.max(last.end, end);
    else result.push({ start, end });
  }
  return result;
}

/**
 * Returns the sentences of a text, without the white space around them: as `Intl.Segmenter` finds them, or by punctuation and line ends
 * where there is none.
 */
export function sentences(text: string, locale?: string): Range[] {
  const ranges: Range[] = [];
  for (const [start, end] of sentenceBounds(text, locale)) {
    const piece = text.slice(start, end);
    const from = start + piece.length - piece.trimStart().length;
    const to = start + piece.trimEnd().length;
    if (from < to) ranges.push({ start: from, end: to });
  }
  return ranges;
}

/** Up to a stop with white space after it, a stop of a script without spaces, or the end of a line. */
const SENTENCE = /(?:[^.!?\n。！？।؟]|[.!?](?![.!?]|\s|$))*(?:[.!?]+|[。！？।؟]+|\n|$)/gu;

function sentenceBounds(text: string, locale?: string): [number, number][] {
  if (typeof Intl.Segmenter === "function") {
    const found = new Intl.Segmenter(locale, { granularity: "sentence" }).segment(text);
    return Array.from(found, ({ index, segment }) => [index, index + segment.length]);
  }
  return Array.from(text.matchAll(SENTENCE), ({ 0: piece, index }) => [index, index + piece.length]);
}

/**
 * Returns the sentence that is nearest to a query, or nothing if there are none; of equal ones the first.
 *
 * @param ranges the sentences
 * @param cosines for each sentence the cosine of its vector with the query's
 */
export function bestSentence(ranges: readonly Range[], cosines: ArrayLike<number>): Range | undefined {
  let best = 0;
  for (let i = 1; i < ranges.length; i += 1) if (cosines[i]! > cosines[best]!) best = i;
  return ranges[best];
}
