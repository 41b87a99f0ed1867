/** felsic/search in Node: collections in memory, and in a folder of the disk that several processes use at once. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, test } from "node:test";
import { Embedder, FelsicError } from "felsic";
import { Collection, FelsicError as SearchError } from "felsic/search";
import { install } from "./harness.mjs";

const DOCUMENTS = [
  { id: "cats.md", text: "# Cats\n\nA cat sleeps on the sill and purrs when it is stroked.", tags: ["animals"] },
  {
    id: "bread.md",
    text: "# Bread\n\nKnead the dough for ten minutes, let it rise, and bake it in a hot oven.",
    tags: ["kitchen"],
  },
  { id: "git.md", text: "# Undo\n\nTo undo a commit that nobody has seen, reset the branch to the commit before it." },
];

/** @type {Embedder} */
let embedder;
/** @type {ReturnType<typeof install>} */
let consumer;
/** @type {string} */
let directory;

before(async () => {
  embedder = await Embedder.create({ workers: 1 });
  consumer = install([]);
});

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "felsic-collections-"));
});

after(() => {
  embedder?.destroy();
  consumer?.remove();
});

/** @param {import("felsic/search").Collection} collection */
const first = async (collection, query = "a pet that rests by the window") => (await collection.search(query))[0]?.id;
const segments = () => readdirSync(join(directory, "felsic-search")).filter((name) => name.endsWith(".segment"));

test("there is one FelsicError", () => assert.equal(SearchError, FelsicError));

test("a collection in memory finds by meaning and by words, and leaves nothing", async () => {
  const collection = await Collection.open("notes", { embedder, memory: true, directory });
  const added = await collection.add(DOCUMENTS);
  assert.equal(added.added, 3);
  assert.equal(await first(collection), "cats.md");
  assert.equal((await collection.search("dough", { mode: "words" }))[0]?.id, "bread.md");
  assert.deepEqual(
    (await collection.search("anything", { where: { tags: "kitchen" }, minScore: 0 })).map(({ id }) => id),
    ["bread.md"],
  );
  collection.close();
  assert.ok(!existsSync(join(directory, "felsic-search")));
  rmSync(directory, { recursive: true });
});

test("clusters and a layout are made in threads, and the layout's ends with it", async () => {
  const collection = await Collection.open("notes", { embedder, memory: true, directory });
  await collection.add([...DOCUMENTS, { id: "dogs.md", text: "A dog sleeps on the sill and barks when it is stroked." }]);
  const clusters = await collection.clusters({ count: 3 });
  assert.deepEqual(clusters[0]?.ids.toSorted(), ["cats.md", "dogs.md"]);
  assert.equal(clusters.length, 3);
  const { ids, x, y } = await collection.layout();
  assert.deepEqual(ids, ["bread.md", "cats.md", "dogs.md", "git.md"]);
  assert.equal(Math.max(...[...x, ...y].map(Math.abs)), 1);
  collection.close();
  rmSync(directory, { recursive: true });
});

test("a collection on the disk is there the next time, and embeds nothing again", async () => {
  const collection = await Collection.open("notes", { embedder, directory });
  await collection.add(DOCUMENTS);
  collection.close();
  assert.deepEqual(await Collection.list({ directory }), ["notes"]);
  const again = await Collection.open("notes", { embedder, directory });
  assert.equal(again.info.documents, 3);
  assert.equal(await first(again), "cats.md");
  const result = await again.add(DOCUMENTS);
  assert.deepEqual([result.unchanged, result.embedded], [3, 0]);
  assert.equal((await again.get("git.md"))?.text, DOCUMENTS[2]?.text);
  assert.equal(await again.remove("cats.md"), 1);
  again.close();
  await Collection.delete("notes", { directory });
  assert.deepEqual(await Collection.list({ directory }), []);
  assert.deepEqual(segments(), []);
  rmSync(directory, { recursive: true });
});

test("a damaged file of a collection is an error, and never a wrong hit", async () => {
  const collection = await Collection.open("notes", { embedder, directory });
  await collection.add(DOCUMENTS);
  collection.close();
  const file = join(directory, "felsic-search", segments()[0] ?? "");
  const bytes = readFileSync(file);
  bytes.writeUInt8(bytes.readUInt8(bytes.length >> 1) ^ 1, bytes.length >> 1);
  writeFileSync(file, bytes);
  const damaged = async () => {
    const collection = await Collection.open("notes", { embedder, directory });
    try {
      for (const document of DOCUMENTS) await collection.get(document.id);
      await collection.search("cats");
    } finally {
      collection.close();
    }
  };
  await assert.rejects(damaged, (error) => error instanceof FelsicError && error.code === "index-invalid");
  rmSync(directory, { recursive: true });
});

/** Starts a process with a collection. @param {string} work */
function user(work) {
  const code = `import { Embedder } from "felsic";
import { Collection } from "felsic/search";
const embedder = await Embedder.create({ workers: 1 });
const notes = await Collection.open("notes", { embedder, directory: ${JSON.stringify(directory)} });
${work}`;
  return spawn(process.execPath, ["--input-type=module", "-e", code], {
    cwd: consumer.folder,
    stdio: ["ignore", "pipe", "inherit"],
  });
}

test("two processes write at once: nothing is lost, and each sees what the other writes", async () => {
  const mine = await Collection.open("notes", { embedder, directory });
  let changes = 0;
  mine.addEventListener("change", () => (changes += 1));
  const other = user(
    `for (let n = 0; n < 12; n += 1) await notes.add([{ id: "other " + n, text: "A stone with the number " + n }]);`,
  );
  const ended = once(other, "close");
  for (let n = 0; n < 13; n += 1) await mine.add([{ id: `mine ${n}`, text: `A river with the number ${n}` }]);
  assert.deepEqual((await ended)[0], 0, "it ends by itself, with its collection open");
  // News alone keep no process running.
  while (mine.info.documents < 25) await new Promise((resolve) => setTimeout(resolve, 50));
  assert.ok(changes > 0);
  assert.equal((await mine.search("A stone with the number 7", { mode: "words" }))[0]?.id.startsWith("other"), true);
  mine.close();
  const again = await Collection.open("notes", { embedder, directory });
  assert.equal(again.info.documents, 25);
  again.close();
  rmSync(directory, { recursive: true });
});

test("a process that is killed while it writes loses nothing that it had been told was written", async () => {
  const child = user(
    `for (let n = 0; ; n += 1) { await notes.add([{ id: "n" + n, text: "A stone with the number " + n }]); console.log(n); }`,
  );
  let out = "";
  child.stdout?.on("data", (data) => (out += data));
  while (out.split("\n").length < 6) await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGKILL");
  await once(child, "close");
  const written = out.trim().split("\n").length;
  const collection = await Collection.open("notes", { embedder, directory });
  const { documents } = collection.info;
  assert.ok(documents === written || documents === written + 1, `${documents} of ${written}`);
  await collection.add(DOCUMENTS);
  assert.equal((await collection.search("dough", { mode: "words" }))[0]?.id, "bread.md");
  collection.close();
  rmSync(directory, { recursive: true });
});

test("by default it is in the user's folder for data", () => {
  const code = `import { Embedder } from "felsic";
import { Collection } from "felsic/search";
const notes = await Collection.open("notes", { embedder: await Embedder.create() });
await notes.add([{ id: "a", text: "A cat." }]);
console.log((await Collection.list()).join());`;
  const { status, stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", code], {
    cwd: consumer.folder,
    encoding: "utf8",
    env: { ...process.env, XDG_DATA_HOME: directory },
    timeout: 30_000,
  });
  assert.deepEqual([status, stdout, stderr], [0, "notes\n", ""]);
  assert.equal(readdirSync(join(directory, "felsic/felsic-search")).length, 1);
  rmSync(directory, { recursive: true });
});
