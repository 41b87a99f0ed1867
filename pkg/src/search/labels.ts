/**
 * Labels: the words that set groups of texts apart, by c-TF-IDF. The words of a group are weighed like those of one document; a word counts
 * once for each text that has it, so that a long text does not outvote the others.
 */

import { terms } from "./terms.js";

const WORDS = 5;
/** A word sets a group apart if its share of texts there is this many times that in the other groups. */
const APART = 2;
/** Among few texts some of the commonest words are in one group alone; these are English, as the built-in model is. */
const COMMON = new Set(
  (
    "a about after all also an and any are as at be been before but by can could did do does for from had has have he her his how i if in into is it its " +
    "just may me more most must my no not of on one or other our out over she should so some such than that the their them then there these they this " +
    "those through to too under up us very was we were what when where which while who why will with would you your"
  ).split(" "),
);
const NUMBER = /^[\p{N}\p{P}]+$/u;

/** A word of a group. */
interface Count {
  texts: number;
  /** How often it is written in which way. */
  readonly forms: Map<string, number>;
}

/** Returns for each group of texts up to five words, the best first, in the form in which most texts write them. */
export function labels(groups: readonly (readonly string[])[]): string[][] {
  const counted = groups.map(countWords);
  const everywhere = new Map<string, number>();
  for (const words of counted) {
    for (const [term, { texts }] of words) everywhere.set(term, (everywhere.get(term) ?? 0) + texts);
  }
  const all = counted.reduce((sum, words) => sum + totalOf(words), 0);
  const texts = groups.reduce((sum, group) => sum + group.length, 0);
  return counted.map((words, at) => {
    const own = groups[at]!.length;
    const scored = [...words].flatMap(([term, { texts: having, forms }]) => {
      const total = everywhere.get(term)!;
      const elsewhere = texts > own ? (total - having) / (texts - own) : 0;
      if (having / own <= APART * elsewhere) return [];
      const score = (having / own) * Math.log(1 + all / groups.length / total);
      return [{ term, score, word: mostWritten(forms) }];
    });
    scored.sort((a, b) => b.score - a.score || (a.term < b.term ? -1 : 1));
    return scored.slice(0, WORDS).map(({ word }) => word);
  });
}

function totalOf(words: ReadonlyMap<string, Count>): number {
  let total = 0;
  for (const { texts } of words.values()) total += texts;
  return total;
}

/** The form that is most frequent; of those, the first in order. */
function mostWritten(forms: ReadonlyMap<string, number>): string {
  return [...forms].reduce((best, form) => (form[1] > best[1] || (form[1] === best[1] && form[0] < best[0]) ? form : best))[0];
}

function countWords(texts: readonly string[]): Map<string, Count> {
  const words = new Map<string, Count>();
  for (const text of texts) {
    const seen = new Set<string>();
    for (const { term, written } of wordsOf(text)) {
      const count = words.get(term) ?? { texts: 0, forms: new Map<string, number>() };
      words.set(term, count);
      count.forms.set(written, (count.forms.get(written) ?? 0) + 1);
      if (!seen.has(term)) count.texts += 1;
      seen.add(term);
    }
  }
  return words;
}

/** A word in the form in which it is compared, and as it is written. */
interface Word {
  readonly term: string;
  readonly written: string;
}

/** The words of a text, without their parts, numbers, single letters and common words. */
function wordsOf(text: string): Word[] {
  const words: Word[] = [];
  let end = 0;
  /** Where a run of pairs begins. */
  let run: number | undefined;
  const endRun = () => {
    if (run !== undefined) words.push(...unspaced(text.slice(run, end)));
    run = undefined;
  };
  for (const term of terms(text)) {
    if (term.isPair) {
      if (run !== undefined && term.start >= end) endRun();
      run ??= term.start;
      end = term.end;
      continue;
    }
    endRun();
    // A part of the word before it.
    if (term.start < end) continue;
    end = term.end;
    const isWord = term.term.length > 1 && !NUMBER.test(term.term) && !COMMON.has(term.term);
    if (isWord) words.push({ term: term.term, written: text.slice(term.start, end) });
  }
  endRun();
  return words;
}

let segmenter: Intl.Segmenter | undefined;

/** The words of a text in a script without spaces, where the browser knows them; otherwise its pairs of characters. */
function unspaced(text: string): Word[] {
  if (!("Segmenter" in Intl)) return terms(text).map(({ term, start, end }) => ({ term, written: text.slice(start, end) }));
  segmenter ??= new Intl.Segmenter("und", { granularity: "word" });
  const found = Array.from(segmenter.segment(text), ({ segment }) => segment);
  return found.filter((word) => [...word].length > 1).map((word) => ({ term: word.normalize("NFKC"), written: word }));
}
