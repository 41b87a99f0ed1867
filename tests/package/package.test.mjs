/** The package as it is published, for those who install it: its types, its files, what its front door refuses. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { Script } from "node:vm";
import { install, node, program, root, tarball, unpacked } from "./harness.mjs";

/** @type {ReturnType<typeof install>} */
let consumer;

before(() => {
  consumer = install(["consumer.ts", "consumer.mjs", "../../examples/vite/main.ts"]);
});

after(() => consumer?.remove());

/** The project's own compiler, and the last one written in JavaScript, which many still use. */
const extractor = createRequire(import.meta.url).resolve("@microsoft/api-extractor/package.json");
const COMPILERS = [program("typescript", "bin/tsc"), program("typescript", "bin/tsc", extractor)];

/** @type {[resolution: string, module: string, lib: string[]][]} */
const SETTINGS = [
  ["bundler", "esnext", ["es2022", "dom"]],
  ["node16", "node16", ["es2022", "dom"]],
  ["nodenext", "nodenext", ["es2022", "dom"]],
  ["nodenext", "nodenext", ["esnext", "dom"]],
];

for (const [moduleResolution, module, lib] of SETTINGS) {
  test(`a strict consumer compiles: ${moduleResolution}, ${lib[0]}`, () => {
    const compilerOptions = {
      target: "es2022",
      module,
      moduleResolution,
      lib,
      types: [],
      strict: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      skipLibCheck: false,
      noEmit: true,
    };
    const config = join(consumer.folder, "tsconfig.json");
    writeFileSync(config, JSON.stringify({ compilerOptions, files: ["consumer.ts", "main.ts"] }));
    for (const compiler of COMPILERS) {
      const { status, output } = node(compiler, ["-p", config]);
      assert.equal(status, 0, `${compiler}\n${output}`);
    }
  });
}

test("publint has no complaint", async () => {
  const { publint } = await import("publint");
  const { messages } = await publint({ pkgDir: unpacked, level: "suggestion", strict: true, pack: false });
  assert.deepEqual(messages, []);
});

test("are the types wrong? They are not", () => {
  const attw = program("@arethetypeswrong/cli", "dist/index.js");
  // Files that are not modules have no types.
  const { exports } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8"));
  const binaries = Object.keys(exports).filter((name) => name.endsWith(".wasm"));
  const options = ["--profile", "esm-only", "--no-emoji", "--format", "ascii", "--exclude-entrypoints", ...binaries];
  const { status, output } = node(attw, [tarball(), ...options]);
  assert.equal(status, 0, output);
});

test("nothing internal is published, and everything that exports name is", () => {
  const { exports } = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8"));
  /** @type {(entry: any) => string[]} */
  const paths = (entry) => (typeof entry === "string" ? [entry] : Object.values(entry).flatMap(paths));
  for (const path of paths(exports)) assert.ok(existsSync(join(unpacked, path.replace("*", "manifest.json"))), path);
  const files = readdirSync(unpacked, { recursive: true, encoding: "utf8" });
  const declarations = files.filter(
    (name) => name.endsWith(".d.ts") && !paths(exports).includes(`./${name.replaceAll("\\", "/")}`),
  );
  assert.deepEqual(declarations, []);
});

test("the licences of what the binaries contain come with it, and no others", () => {
  const notices = readFileSync(join(unpacked, "THIRD-PARTY-NOTICES.txt"), "utf8");
  assert.ok(existsSync(join(unpacked, "LICENSE")));
  const names = [...notices.matchAll(/^([\w-]+) \d[^ ]* \([^\n]*\)$/gm)].map(([, name]) => name);
  for (const linked of ["burn", "wgpu", "wasm-bindgen", "unicode-script"]) assert.ok(names.includes(linked), linked);
  // Crates of the command line, of a macro and of the build.
  for (const other of ["felsic", "clap", "tokenizers", "serde_derive", "syn", "walrus"]) assert.ok(!names.includes(other), other);
});

test("the binaries carry no names of functions, and are otherwise those that do", () => {
  for (const name of ["cpu", "relaxed", "gpu", "packer", "search"]) {
    const shipped = sections(readFileSync(join(unpacked, `dist/felsic_${name}_bg.wasm`)));
    const named = sections(readFileSync(join(unpacked, `../wasm-names/felsic_${name}_bg.wasm`)));
    const names = named.filter((section) => section.subarray(1, 5).equals(Buffer.from("name")));
    assert.equal(names.length, 1, name);
    assert.deepEqual(shipped.map(hash), named.filter((section) => section !== names[0]).map(hash), name);
  }
});

/** @param {Buffer} bytes */
const hash = (bytes) => createHash("sha256").update(bytes).digest("hex");

/** The contents of a module's sections. Node would have to know relaxed SIMD to compile it. @param {Buffer} module */
function sections(module) {
  /** @type {Buffer[]} */
  const found = [];
  for (let at = 8; at < module.length;) {
    let length = 0;
    at += 1;
    for (let shift = 0, more = true; more; at += 1, shift += 7) {
      const byte = module.readUInt8(at);
      length += (byte & 0x7f) << shift;
      more = byte >= 0x80;
    }
    found.push(module.subarray(at, at + length));
    at += length;
  }
  return found;
}

test("the files of the built-in model can be found, to be copied", () => {
  const require = createRequire(join(consumer.folder, "package.json"));
  const folder = dirname(require.resolve("felsic/model/manifest.json"));
  const manifest = JSON.parse(readFileSync(join(folder, "manifest.json"), "utf8"));
  for (const { file } of [manifest.tokenizer, ...manifest.shards]) require.resolve(`felsic/model/${file}`);
});

test("options that are unknown, or no object, are refused by name", () => {
  const { status, output, stdout } = node(join(consumer.folder, "consumer.mjs"), [], consumer.folder);
  assert.equal(status, 0, output);
  const { create, availability, deleteCache, noObject, array, nothing, shared } = JSON.parse(stdout);
  const refusals = { create, availability, deleteCache, noObject, array, nothing };
  assert.equal(shared, undefined);
  const named = { create: /"modell".*\bmodel\b/, availability: /"devise".*\bdevice\b/, deleteCache: /"modle".*\bmodel\b/ };
  for (const [name, refusal] of Object.entries(refusals)) {
    assert.equal(refusal?.code, "input-invalid", name);
    assert.match(refusal.message, named[/** @type {keyof typeof named} */ (name)] ?? /must be an object/);
  }
});

test("a page's script has nothing of Node in it, and without workers create() and availability() say so", async () => {
  const code = `const { Embedder } = await import("./node_modules/felsic/dist/index.js");
const refused = await Embedder.create().catch(({ code, message }) => ({ code, message }));
console.log(JSON.stringify([refused, await Embedder.availability()]));`;
  const [{ code: refused, message }, state] = JSON.parse(node("--input-type=module", ["-e", code], consumer.folder).stdout);
  assert.equal(refused, "device-unavailable", message);
  assert.match(message, /there are no workers here/);
  assert.equal(state, "unavailable");
  for (const name of [
    "index",
    "cpu",
    "common",
    "search",
    "worker-cpu",
    "worker-gpu",
    "worker-packer",
    "worker-search",
    "worker-layout",
  ]) {
    assert.doesNotMatch(readFileSync(join(unpacked, `dist/${name}.js`), "utf8"), /["'`]node:|worker_threads|worker-node/, name);
  }
});

test("felsic/search can be imported in Node, and an error is of one class, whichever entry it comes from", () => {
  const { search } = JSON.parse(node(join(consumer.folder, "consumer.mjs"), [], consumer.folder).stdout);
  assert.deepEqual([search.open.code, search.open.isFelsicError], ["input-invalid", true], search.open.message);
  assert.match(search.open.message, /"embeder".*\bembedder\b/);
  assert.match(search.noEmbedder.message, /Embedder\.create\(\)/);
  assert.deepEqual([search.list, search.classes], [[], [true, true]]);
});

test("a worker's script is whole: no bundler has to follow an import, and none can lose a file beside it", () => {
  for (const name of ["cpu", "relaxed", "gpu", "packer", "search", "layout"]) {
    const script = readFileSync(join(unpacked, `dist/worker-${name}.js`), "utf8");
    // It uses neither module syntax nor its own address: it also runs as a classic script, and may be minified as one.
    new Script(script, { filename: name });
    assert.doesNotMatch(script, /\bimport\s*\(/, name);
  }
  assert.deepEqual(
    readdirSync(join(unpacked, "dist")).filter((name) => /^felsic_\w+\.js$/.test(name)),
    [],
    "the glue is there once",
  );
});

test("an error is called by its name, in its stack too", () => {
  const { create } = JSON.parse(node(join(consumer.folder, "consumer.mjs"), [], consumer.folder).stdout);
  assert.deepEqual([create.name, create.class, create.isFelsicError], ["FelsicError", "FelsicError", true]);
  assert.match(create.stack, /^FelsicError: unknown option "modell"/);
});

test("page and tests see this package, and not the folder that it is made in", () => {
  for (const folder of ["www", "tests/browser", "tests/package"]) {
    const found = createRequire(pathToFileURL(join(root, folder, "package.json"))).resolve("felsic/package.json");
    assert.equal(realpathSync(found), realpathSync(join(unpacked, "package.json")), folder);
  }
});
