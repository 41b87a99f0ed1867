/** Texts of an exact token count, made of plain words. */

const WORDS = (
  "river stone window morning paper garden letter market season engine harbour signal yellow bridge winter " +
  "teacher island copper question summer forest kitchen answer station mountain silver pocket travel number story"
).split(" ");

/** What somebody might ask first. */
export const SENTENCE = "The weather is nice today, so we are going to the park after lunch.";

/** Adds exactly one token wherever byte-level BPE splits at spaces. */
const FILLER = " a";

/**
 * A text that `count` puts at exactly `tokens` tokens, special tokens included.
 * `seed` rotates the words, so that no two runs see the same text.
 */
export async function textOf(tokens: number, seed: number, count: (text: string) => number | Promise<number>): Promise<string> {
  const special = await count("");
  const cost = await Promise.all(WORDS.map(async (word) => (await count(` ${word}`)) - special));
  let text = "";
  let sum = special;
  for (let i = seed; sum < tokens; i++) {
    const at = i % WORDS.length;
    const fits = sum + cost[at]! <= tokens;
    text += fits ? ` ${WORDS[at]}` : FILLER;
    sum += fits ? cost[at]! : 1;
  }
  // The sum above is an estimate where neighbours merge or the ends are stripped: the count decides.
  for (let step = 0; step < 64; step++) {
    const got = await count(text);
    if (got === tokens) return text;
    text = got < tokens ? text + FILLER.repeat(tokens - got) : text.slice(0, text.lastIndexOf(" "));
  }
  throw new Error(`cannot make a text of ${tokens} tokens`);
}
