/**
 * How felsic/search ranks, and what its scores refuse, with the built-in model on the documentation of training/eval. The bounds are a little
 * below the figures of docs/search.md; training/search.mjs measures more.
 */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start } from "./harness.mjs";
import { cutOff, figures, place, searcher, tasks, texts, unanswered } from "./search-evaluation.mjs";

/** @type {import("./harness.mjs").Environment} */
let environment;
/** @type {import("./search-evaluation.mjs").Task} */
let task;
/** @type {ReturnType<typeof unanswered>} */
let none;

before(async () => {
  environment = await start();
  const all = texts();
  const empty = (/** @type {string[]} */ list) => list.map(() => new Float32Array());
  const bare = {
    documentation: empty(all.documentation),
    queries: empty(all.queries),
    definitions: [],
    examples: [],
    unanswered: empty(all.unanswered),
  };
  task = tasks(bare).documentation;
  none = unanswered(bare);
  const lists = [task.passages, task.queries, none.nonsense, none["off-topic"], none.foreign].flat();
  const flat = await environment.page.evaluate(
    async (texts) => {
      const embedder = await felsic.Embedder.create({ workers: "auto" });
      const vectors = await embedder.embed(texts);
      await embedder.destroy();
      return vectors.map((vector) => Array.from(vector));
    },
    lists.map(({ text }) => text),
  );
  for (const [i, entry] of lists.entries()) entry.vector = Float32Array.from(flat[i] ?? []);
});

after(() => environment?.close());

test("hybrid ranks better than words and meaning alone", async () => {
  const { rankings, hybrid } = await searcher(task);
  const found = task.queries.map((query) => ({ ...rankings(query), hybrid: hybrid(query), answer: query.answer }));
  const of = (/** @type {"words" | "meaning" | "hybrid"} */ name) =>
    figures(found.map((ranking) => place(ranking[name], ranking.answer))).ndcg;
  const [words, meaning, both] = [of("words"), of("meaning"), of("hybrid")];
  const shown = `words ${words.toFixed(1)}, meaning ${meaning.toFixed(1)}, hybrid ${both.toFixed(1)}`;
  assert.ok(both > words + 10 && both > meaning + 0.5, shown);
  // Measured: 12.9, 27.8, 29.3.
  assert.ok(words > 12 && both > 28.5, shown);
});

test("the cut-off keeps the answers and refuses what has none", async () => {
  const cut = await cutOff(task, none);
  const shown = JSON.stringify(cut);
  // Measured: 96 of 100 answers kept, 57 of 100 nonsense, 71 off topic and 75 foreign queries refused; nDCG falls from 29.3 to 28.4.
  assert.ok(cut.kept >= 94 && cut.after >= cut.before - 1.5, shown);
  assert.ok(cut.nonsense >= 53 && (cut.offTopic ?? 0) >= 67 && cut.foreign >= 60, shown);
});
