// Finds lines of a file by their meaning: node search.mjs FILE QUERY

import { readFileSync } from "node:fs";
import { Embedder } from "felsic";
import { Collection } from "felsic/search";

const [file, query] = process.argv.slice(2);
if (query === undefined) throw new Error("usage: node search.mjs FILE QUERY");

const embedder = await Embedder.create();
// Kept beside the file: the next run embeds only the lines that are new.
const lines = await Collection.open("lines", { embedder, directory: `${file}.felsic` });

const texts = readFileSync(file, "utf8").split("\n");
const documents = texts.map((text, at) => ({ id: `${at + 1}`, text })).filter(({ text }) => text.trim() !== "");
const { embedded } = await lines.add(documents);
console.error(`${documents.length} lines, ${embedded} embedded`);

for (const { id, score, passage } of await lines.search(query, { limit: 5 })) {
  console.log(`${score.toFixed(2)}  line ${id}: ${passage.text}`);
}
