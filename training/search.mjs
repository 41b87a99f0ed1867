/**
 * Measures how felsic/search ranks and what its scores refuse, on eval/.
 *
 *     node training/search.mjs --felsic PROGRAM [--model FOLDER]      makes the vectors with the native program
 *     node training/search.mjs --vectors FOLDER                       reads documentation, queries, definitions, examples and
 *                                                                     unanswered.jsonl, lines as `felsic embed` prints them
 *
 * Prints the tables of docs/search.md. Needs `npm ci` and `npm run build -w pkg`, nothing else.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { cutOff, dot, drawn, figures, pages, place, searcher, tasks, texts, unanswered } from "../tests/browser/search-evaluation.mjs";

const { values: options } = parseArgs({
  options: { felsic: { type: "string" }, model: { type: "string" }, vectors: { type: "string" } },
});

const parse = (text) =>
  text
    .trim()
    .split("\n")
    .map((line) => Float32Array.from(JSON.parse(line).embedding));

function embed(texts) {
  const input = texts.map((text) => JSON.stringify(text) + "\n").join("");
  const model = options.model === undefined ? [] : ["--model", options.model];
  const run = spawnSync(options.felsic, ["embed", ...model], { input, encoding: "utf8", maxBuffer: 2 ** 30 });
  if (run.status !== 0) throw new Error(run.error?.message ?? run.stderr);
  return parse(run.stdout);
}

function vectorsOf(name, texts) {
  if (options.vectors !== undefined) return parse(readFileSync(join(options.vectors, `${name}.jsonl`), "utf8"));
  if (options.felsic === undefined) throw new Error("say --felsic PROGRAM or --vectors FOLDER");
  return embed(texts);
}

const vectors = Object.fromEntries(Object.entries(texts()).map(([name, list]) => [name, vectorsOf(name, list)]));
const all = tasks(vectors);
const none = unanswered(vectors);

const table = (head, rows) => {
  console.log(`\n| ${head.join(" | ")} |\n|${head.map((_, i) => (i === 0 ? " --- |" : " ---: |")).join("")}`);
  for (const row of rows) console.log(`| ${row.join(" | ")} |`);
};
const shown = ({ ndcg, recall }) => `${ndcg.toFixed(1)} / ${recall.toFixed(1)}`;

/** Places of the answers under a way to join both rankings. */
function joined(rankings, join) {
  return rankings.map(({ meaning, words, answer }) => {
    const scores = new Map();
    const byMeaning = new Map(meaning.map((hit, i) => [hit.row, { ...hit, rank: i + 1 }]));
    const byWords = new Map(words.map((hit, i) => [hit.row, { ...hit, rank: i + 1 }]));
    for (const row of new Set([...byMeaning.keys(), ...byWords.keys()])) scores.set(row, join(byMeaning.get(row), byWords.get(row)));
    const sorted = [...scores].sort((a, b) => b[1] - a[1] || a[0] - b[0]).map(([row]) => ({ row }));
    return place(sorted, answer);
  });
}

const reciprocal = (k, weight) => ({
  name: `ranks, k ${k}, words ${weight}`,
  join: (meaning, words) => (meaning && meaning.rank <= 100 ? 1 / (k + meaning.rank) : 0) + (words ? weight / (k + words.rank) : 0),
});
const odds = (weight, power) => ({
  name: `odds, words ${weight} x^${power}`,
  join: (meaning, words) => Math.log(meaning.score / (1 - meaning.score)) + weight * (words?.score ?? 0) ** power,
});
const RANKS = [1, 5, 10, 20, 60].flatMap((k) => [0.25, 0.5, 1].map((weight) => reciprocal(k, weight)));
const ODDS = [1, 2, 3].flatMap((power) => [1, 2, 3, 4, 5, 6, 8].map((weight) => odds(weight, power)));

/** Chooses on one half of the queries and measures on the other, both ways. */
function crossed(rankings, candidates) {
  const places = candidates.map(({ join }) => joined(rankings, join));
  const names = [];
  const measured = [];
  for (const half of [0, 1]) {
    const gains = places.map((list) => figures(list.filter((_, i) => i % 2 === half)).ndcg);
    const best = gains.indexOf(Math.max(...gains));
    names.push(candidates[best].name);
    measured.push(...places[best].filter((_, i) => i % 2 !== half));
  }
  return { names, figures: figures(measured) };
}

const ranking = [];
for (const task of Object.values(all)) {
  const { rankings, hybrid } = await searcher(task);
  const found = task.queries.map((query) => ({ ...rankings(query), answer: query.answer }));
  const byRanks = crossed(found, RANKS);
  const byOdds = crossed(found, ODDS);
  ranking.push([
    task.name,
    shown(figures(found.map(({ words, answer }) => place(words, answer)))),
    shown(figures(found.map(({ meaning, answer }) => place(meaning, answer)))),
    `${shown(byRanks.figures)} (${byRanks.names.join("; ")})`,
    `${shown(byOdds.figures)} (${byOdds.names.join("; ")})`,
    shown(figures(task.queries.map((query) => place(hybrid(query), query.answer)))),
    shown(figures(joined(found, reciprocal(60, 1).join))),
  ]);
}
console.log("nDCG@10 / recall@10, in hundredths; ranks and odds: chosen on one half of the queries, measured on the other");
table(["queries", "words", "meaning", "ranks, best", "odds, best", "hybrid as it is", "ranks, k 60, equal"], ranking);

const { documentation, examples } = all;
const collections = [
  [documentation],
  [300, 100, 30].map((count) => Array.from({ length: count === 30 ? 10 : 5 }, (_, i) => drawn(documentation, count, i + 1))),
  [pages(documentation, "only SQLite's", /^sqlite/i)],
  [pages(documentation, "only Python's", /^python/)],
  [examples],
  [Array.from({ length: 5 }, (_, i) => ({ ...drawn(examples, 100, i + 1), name: "WordNet, 100 definitions" }))],
].flat().map((entry) => (Array.isArray(entry) ? entry : [entry]));

const rows = [];
for (const drawings of collections) {
  const cuts = [];
  for (const task of drawings) cuts.push(await cutOff(task, none));
  const mean = (name) => {
    const list = cuts.map((cut) => cut[name]).filter((value) => value !== undefined && !Number.isNaN(value));
    return list.length === 0 ? "" : (list.reduce((sum, value) => sum + value, 0) / list.length).toFixed(0);
  };
  const one = (name) => (cuts.reduce((sum, cut) => sum + cut[name], 0) / cuts.length).toFixed(1);
  rows.push([drawings[0].name, drawings.length, mean("kept"), one("before"), one("after"), mean("nonsense"), mean("offTopic"), mean("foreign")]);
}
console.log("\nThe cut-off, in hundredths; subsets: the mean of several drawings");
table(["passages", "drawings", "answers kept", "nDCG without", "nDCG with", "nonsense refused", "off topic refused", "foreign refused"], rows);

/** The share of queries that each rule refuses when it keeps as many answers: by meaning alone, on the documentation. */
async function rules() {
  const { rankings } = await searcher(documentation);
  const noise = none.nonsense.slice(0, 10);
  const near = documentation.passages.map(({ vector }) => Math.max(...noise.map((query) => dot(query.vector, vector))));
  const rules = {
    "the cosine": ({ cosine }) => cosine,
    "the cosine, in deviations above the query's mean": ({ cosine }, all) => {
      const mean = all.reduce((sum, hit) => sum + hit.cosine, 0) / all.length;
      return (cosine - mean) / Math.sqrt(all.reduce((sum, hit) => sum + (hit.cosine - mean) ** 2, 0) / all.length);
    },
    "the cosine, above that of nonsense": ({ cosine, row }) => cosine - near[row],
    "the score": ({ score }) => score,
  };
  const rest = { nonsense: none.nonsense.slice(10), "off-topic": none["off-topic"] };
  const lines = [];
  for (const [name, rule] of Object.entries(rules)) {
    const answers = documentation.queries.flatMap((query) => {
      const { meaning } = rankings(query);
      const at = place(meaning, query.answer);
      return at >= 0 && at < 10 ? [rule(meaning[at], meaning)] : [];
    });
    answers.sort((a, b) => a - b);
    const least = answers[Math.floor(answers.length * 0.05)];
    const refused = Object.values(rest).map((queries) => {
      const values = queries.map((query) => {
        const { meaning } = rankings(query);
        return Math.max(...meaning.slice(0, 10).map((hit) => rule(hit, meaning)));
      });
      return ((100 * values.filter((value) => value < least).length) / values.length).toFixed(0);
    });
    lines.push([name, ...refused]);
  }
  return lines;
}
console.log("\nBy meaning alone, if 95 of 100 answers among the ten best are kept: queries refused, in hundredths");
table(["rule", "nonsense", "off topic"], await rules());
