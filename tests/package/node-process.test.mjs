/** felsic in processes of its user: how it is imported, where it keeps packs, and that it lets a process end. */

import assert from "node:assert/strict";
import { spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "vite";
import { Server } from "../browser/server.mjs";
import { golden } from "./bits.mjs";
import { install, root, unpacked } from "./harness.mjs";

/** @type {ReturnType<typeof install>} */
let consumer;

before(() => {
  consumer = install([]);
});

after(() => consumer?.remove());

const [TEXT = "", VECTOR] = [golden().texts[0], golden().vectors[0]];
const PRINT = `console.log(Buffer.from((await embedder.embed(${JSON.stringify(TEXT)})).buffer).toString("hex"));`;
const MODULE = `import { Embedder } from "felsic";
const embedder = await Embedder.create();
${PRINT}`;

/**
 * Runs Node in the consumer's folder, for a limited time: a process that does not end by itself is killed.
 *
 * @param {string[]} args
 * @param {Record<string, string>} [environment]
 */
function run(args, environment = {}) {
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: consumer.folder,
    encoding: "utf8",
    env: { ...process.env, NODE_OPTIONS: "", ...environment },
    timeout: 30_000,
  });
  return { status, signal, stdout: stdout.trim(), stderr };
}

const ENDED = { status: 0, signal: null, stdout: VECTOR, stderr: "" };

/** Writes a script into the consumer's folder. @param {string} name @param {string} code */
function script(name, code) {
  writeFileSync(join(consumer.folder, name), code);
  return name;
}

test("a script that imports it ends by itself, with an idle embedder, and says nothing", () => {
  assert.deepEqual(run([script("module.mjs", MODULE)]), ENDED);
});

test("a CommonJS script imports it, or requires it where Node can do that", () => {
  const use = `const embedder = await Embedder.create({ workers: 1 }); ${PRINT}`;
  assert.deepEqual(run([script("import.cjs", `import("felsic").then(async ({ Embedder }) => { ${use} });`)]), ENDED);
  const required = run([script("require.cjs", `const { Embedder } = require("felsic"); (async () => { ${use} })();`)]);
  const { require_module: can } = /** @type {{ require_module?: boolean }} */ (process.features);
  if (can) assert.deepEqual([required.status, required.stdout], [0, VECTOR], required.stderr);
  else assert.match(required.stderr, /ERR_REQUIRE_ESM/);
});

test("flags of the process, and the folder that it runs in, do not reach the workers", () => {
  assert.deepEqual(run(["--input-type=module", "-e", MODULE]), ENDED);
  script("loader.mjs", 'import { isMainThread } from "node:worker_threads"; if (!isMainThread) throw new Error("loaded");');
  assert.deepEqual(run(["--import", "./loader.mjs", "module.mjs"]), ENDED);
});

test("pending work keeps a process running; an idle worker, many embedders and destroy() do not", () => {
  const code = `import { Embedder } from "felsic";
const made = await Promise.all([1, 2, 3].map((workers) => Embedder.create({ workers })));
await Promise.all(made.map((embedder) => embedder.warmUp()));
made[0].destroy();
made[0].embed("late").catch(({ code }) => console.log(code));
made[2].embed(Array.from({ length: 50 }, (_, n) => "text " + n)).then((vectors) => console.log(vectors.length));`;
  assert.deepEqual(run([script("several.mjs", code)]), { ...ENDED, stdout: "destroyed\n50" });
});

test("a process may end in the middle of everything", () => {
  const code = `import { Embedder } from "felsic";
const embedder = await Embedder.create({ workers: 2 });
embedder.embed(Array.from({ length: 500 }, (_, n) => "text ".repeat(n)));
setTimeout(() => process.exit(7), 100);`;
  assert.deepEqual(run([script("exit.mjs", code)]), { ...ENDED, status: 7, stdout: "" });
});

test("it works in a thread of the user's own", () => {
  const code = `import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { Embedder } from "felsic";
if (isMainThread) new Worker(new URL(import.meta.url)).on("message", (hex) => console.log(hex));
else {
  const embedder = await Embedder.create({ workers: 2 });
  parentPort.postMessage(Buffer.from((await embedder.embed(${JSON.stringify(TEXT)})).buffer).toString("hex"));
}`;
  assert.deepEqual(run([script("thread.mjs", code)]), ENDED);
});

test("the example finds lines of a file; the second run embeds nothing", () => {
  cpSync(join(root, "examples/node/search.mjs"), join(consumer.folder, "search.mjs"));
  const lines = [
    "A cat sleeps on the sill.",
    "",
    "Knead the dough for ten minutes.",
    "The bank has raised its interest rates again.",
  ];
  script("notes.txt", lines.join("\n"));
  for (const embedded of [3, 0]) {
    const { status, stdout, stderr } = run(["search.mjs", "notes.txt", "a pet that rests by the window"]);
    assert.equal(status, 0, stderr);
    assert.match(stdout, /^[01]\.\d+ {2}line 1: A cat sleeps on the sill\./);
    assert.match(stderr, new RegExp(`^3 lines, ${embedded} embedded`));
  }
});

test("packs are kept in the user's folder for caches", async () => {
  const server = await Server.start({ "/pack/": [join(unpacked, "dist/model")] });
  const caches = join(consumer.folder, "caches");
  const code = `import { Embedder } from "felsic";
await Embedder.create({ model: process.argv[2], prefetch: "all" });
console.log(await Embedder.availability({ model: process.argv[2] }));`;
  const args = [script("kept.mjs", code), server.url("/pack/")];
  const child = spawn(process.execPath, args, { cwd: consumer.folder, env: { ...process.env, XDG_CACHE_HOME: caches } });
  await new Promise((resolve) => child.on("close", resolve));
  await server.close();
  assert.equal(readdirSync(join(caches, "felsic/felsic")).filter((name) => name.endsWith(".manifest")).length, 1);
});

test("a bundle for servers finds the workers: built by Vite, with felsic in it or beside it", async () => {
  script("server.js", MODULE);
  for (const noExternal of [[], ["felsic"]]) {
    const outDir = join(consumer.folder, `ssr-${noExternal.length}`);
    await build({
      root: consumer.folder,
      configFile: false,
      logLevel: "error",
      ssr: { noExternal },
      build: { ssr: "server.js", outDir, target: "node20" },
    });
    assert.deepEqual(run([join(outDir, "server.js")]), ENDED, `noExternal: ${noExternal}`);
  }
});

test("without the package's files create() says what to do, and baseUrl names them", async () => {
  const alone = join(consumer.folder, "alone");
  mkdirSync(alone);
  const ofNode = readdirSync(join(unpacked, "dist")).filter((name) => /^node.*\.js$/.test(name));
  for (const name of ofNode) cpSync(join(unpacked, "dist", name), join(alone, name));
  writeFileSync(join(alone, "package.json"), '{ "type": "module" }');
  writeFileSync(
    join(alone, "main.mjs"),
    `process.chdir("/");
const { Embedder } = await import("./node.js");
const model = process.argv[2] + "/model";
await Embedder.create({ model }).catch(({ code, message }) => console.log(code, message));
const embedder = await Embedder.create({ baseUrl: process.argv[2] });
${PRINT}`,
  );
  // Outside of the consumer's folder, whose node_modules would be found.
  const elsewhere = join(consumer.folder, "../", `felsic-alone-${process.pid}`);
  cpSync(alone, elsewhere, { recursive: true });
  const { stdout, stderr } = run([join(elsewhere, "main.mjs"), join(unpacked, "dist")]);
  const [refused = "", vector] = stdout.split("\n");
  rmSync(elsewhere, { recursive: true });
  assert.match(refused, /^not-found .*serverExternalPackages.*baseUrl/, stderr);
  assert.equal(vector, VECTOR, stderr);
  assert.ok(!existsSync(elsewhere));
});
