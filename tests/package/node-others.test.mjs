/** felsic in Deno and Bun, where they are installed: the module for Node. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { Server } from "../browser/server.mjs";
import { golden } from "./bits.mjs";
import { install, unpacked } from "./harness.mjs";

/** How each of them is named by its variable, found and called. */
const OTHERS = [
  { name: "Deno", program: process.env.DENO_PATH ?? "deno", args: ["run", "--allow-all"] },
  { name: "Bun", program: process.env.BUN_PATH ?? "bun", args: ["run"] },
];

const SCRIPT = `import { Embedder, FelsicError } from "felsic";
import { Collection } from "felsic/search";
const [directory, model, texts] = [process.argv[2], process.argv[3], JSON.parse(process.argv[4])];
const hex = (vectors) => vectors.map(({ buffer }) => Buffer.from(buffer).toString("hex"));
const embedder = await Embedder.create({ workers: 3 });
await embedder.warmUp();
const results = [hex(await embedder.embed(texts))];
const kept = { model, cacheDirectory: directory, prefetch: "all", workers: 1, onWarning: ({ message }) => console.error(message) };
for (let round = 0; round < 2; round += 1) {
  const other = await Embedder.create(kept);
  results.push(hex(await other.embed(texts)));
  other.destroy();
}
const notes = await Collection.open("notes", { embedder, directory });
await notes.add([{ id: "cat", text: "A cat sleeps on the sill." }, { id: "bread", text: "Knead the dough." }]);
const [hit] = await notes.search("dough", { mode: "words" });
const refused = await Embedder.create({ model: "/nothing/" }).catch((error) => error instanceof FelsicError && error.code);
console.log(JSON.stringify({ results, hit: hit.id, list: await Collection.list({ directory }), refused }));
`;

/** @type {ReturnType<typeof install>} */
let consumer;
/** @type {Server} */
let server;

before(async () => {
  consumer = install([]);
  writeFileSync(join(consumer.folder, "others.mjs"), SCRIPT);
  server = await Server.start({ "/pack/": [join(unpacked, "dist/model")] });
});

after(async () => {
  await server?.close();
  consumer?.remove();
});

for (const { name, program, args } of OTHERS) {
  const isThere = spawnSync(program, ["--version"]).status === 0;
  const skip = !isThere && `${name} is not installed; name it with ${name.toUpperCase()}_PATH`;
  test(`${name} computes the same bits, stores packs and collections, and ends by itself`, { skip }, async () => {
    const { texts, vectors } = golden();
    const directory = mkdtempSync(join(tmpdir(), "felsic-others-"));
    server.requests.splice(0);
    const script = ["others.mjs", directory, server.url("/pack/"), JSON.stringify(texts)];
    const child = spawn(program, [...args, ...script], { cwd: consumer.folder, timeout: 60_000 });
    let [stdout, stderr] = ["", ""];
    child.stdout.on("data", (data) => (stdout += data));
    child.stderr.on("data", (data) => (stderr += data));
    const status = await new Promise((resolve) => child.on("close", resolve));
    assert.equal(status, 0, stderr);
    const expected = { results: [vectors, vectors, vectors], hit: "bread", list: ["notes"], refused: "not-found" };
    assert.deepEqual(JSON.parse(stdout), expected, stderr);
    assert.equal(stderr, "");
    assert.equal(server.requests.filter((path) => path.includes("layers")).length, 1, "the second time it is stored");
    assert.deepEqual(
      readdirSync(join(directory, "locks")).filter((file) => file.endsWith(".lock")),
      [],
    );
    rmSync(directory, { recursive: true });
  });
}
