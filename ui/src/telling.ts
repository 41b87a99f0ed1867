/** Which marks tell something: words such as “the” are in every text, and marking them hides those that matter. */

import type { Range } from "./marked.js";

/** The commonest words of the languages that many people write; a search finds them all the same. */
const COMMON = new Set(
  (
    "a an and are as at be been but by can do does for from had has have he her his how i if in into is it its many me much my no not of on " +
    "or our she so than that the their them then there these they this to too up was we were what when where which who why will with would you " +
    "your aber als am an auch auf aus bei bin bis da das dass dem den der des die doch du ein eine einem einen einer es für haben hat ich ihr im " +
    "in ist ja kein mein mich mir mit muss nach nicht noch nur ob oder sein sich sie sind so um und uns von vor war was wenn wer wie wir wird wo zu " +
    "zum zur au aux ce ces dans de des du elle en est et il je la le les leur lui mais ne nous ou par pas plus pour qu que qui sa se ses son sur " +
    "un une vous al con como del el ella es esta este la las lo los más no o para pero por que se si sin su sus un una y ya"
  ).split(" "),
);

/** Returns the marks of words that tell something; all of them if no word of the query does. */
export function telling(text: string, marks: readonly Range[], query: string): readonly Range[] {
  const words = query.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
  if (words.every((word) => COMMON.has(word))) return marks;
  return marks.filter(({ start, end }) => !COMMON.has(text.slice(start, end).toLowerCase()));
}
