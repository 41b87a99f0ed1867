/** docs/walkthrough.md, word for word: its commands and files, in an empty folder, with the package from its tarball. */

import assert from "node:assert/strict";
import { execFile, spawn, spawnSync } from "node:child_process";
import { promisify } from "node:util";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { delimiter, dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { launch } from "../browser/harness.mjs";
import { eventually } from "../support/patience.mjs";
import { root, tarball, unpacked } from "./harness.mjs";

/** A step of the document. @typedef {{ language: string, text: string, file: string | undefined }} Block */

/** This process must go on: it is the registry, too. */
const run = promisify(execFile);

/** What is built in the document, and already there: minutes of compiling. */
const BUILD = "cargo install --path .\n";
const NOTES = {
  "git.md": "# Git\n\nTo take back the last commit, reset the branch to the one before it.\n",
  "kitchen/bread.md": "# Bread\n\nKnead the dough, let it rise, and bake it in a hot oven.\n",
  "animals.txt": "A cat sleeps on the warm windowsill.\n",
};

const home = mkdtempSync(join(tmpdir(), "felsic-walkthrough-"));
const command = process.env.FELSIC_PATH ?? join(root, `target/release/felsic${process.platform === "win32" ? ".exe" : ""}`);
const noBrowser = existsSync(process.env.CHROMIUM_PATH ?? "/usr/bin/chromium") ? false : "there is no Chromium";
const noPython = spawnSync("python3", ["--version"]).status === 0 ? false : "there is no Python";
const noCommand = existsSync(command) || process.env.CI ? false : "`cargo build --release --bin felsic` makes the command line";

/** A registry that has felsic, as it would be published, and nothing else. @type {import("node:http").Server} */
let registry;
/** @type {NodeJS.ProcessEnv} */
let environment;
/** @type {Map<string, Block[]>} */
let sections;

before(async () => {
  for (const [name, text] of Object.entries(NOTES)) {
    mkdirSync(dirname(join(home, "notes", name)), { recursive: true });
    writeFileSync(join(home, "notes", name), text);
  }
  registry = createServer(publish);
  registry.listen(0, "127.0.0.1");
  await once(registry, "listening");
  environment = {
    ...process.env,
    HOME: home,
    PATH: [dirname(command), process.env.PATH].join(delimiter),
    npm_config_registry: address(),
    npm_config_cache: join(home, ".npm"),
    npm_config_audit: "false",
    npm_config_fund: "false",
    npm_config_update_notifier: "false",
  };
  sections = blocks(readFileSync(join(root, "docs/walkthrough.md"), "utf8"));
});

after(() => {
  registry?.close();
  rmSync(home, { recursive: true, force: true });
});

function address() {
  const bound = registry.address();
  assert.ok(bound !== null && typeof bound === "object");
  return `http://127.0.0.1:${bound.port}/`;
}

/** @param {import("node:http").IncomingMessage} request @param {import("node:http").ServerResponse} response */
function publish({ url }, response) {
  const bytes = readFileSync(tarball());
  if (url === "/felsic.tgz") return void response.end(bytes);
  if (url !== "/felsic") return void response.writeHead(404).end("{}");
  const manifest = JSON.parse(readFileSync(join(unpacked, "package.json"), "utf8"));
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  const version = { ...manifest, dist: { tarball: `${address()}felsic.tgz`, integrity } };
  response.setHeader("content-type", "application/json");
  response.end(
    JSON.stringify({ name: "felsic", "dist-tags": { latest: manifest.version }, versions: { [manifest.version]: version } }),
  );
}

/** Returns the code of each section, by its heading, with the file's name if it is to be saved. @param {string} document */
function blocks(document) {
  /** @type {Map<string, Block[]>} */
  const sections = new Map();
  for (const section of document.split(/^## /m).slice(1)) {
    const list = [...section.matchAll(/^([^`\n]*(?:`[^`\n]*`[^`\n]*)*)\n*^```(\w+)\n(.*?)^```$/gms)].map(
      ([, before = "", language = "", text = ""]) => ({ language, text, file: /\bSave this as `([^`]+)`/.exec(before)?.[1] }),
    );
    sections.set(section.slice(0, section.indexOf("\n")), list);
  }
  return sections;
}

/**
 * Does what a section says, from top to bottom, in one shell; what serves files goes on until the test ends.
 *
 * @param {string} heading the beginning of it
 */
async function follow(heading) {
  const [, steps] = [...sections].find(([name]) => name.startsWith(heading)) ?? [];
  assert.ok(steps, heading);
  /** @type {import("node:child_process").ChildProcess[]} */
  const servers = [];
  let folder = home;
  let said = "";
  for (const { language, text, file } of steps) {
    if (file !== undefined) {
      writeFileSync(join(folder, file), text);
    } else if (language === "sh" && text.startsWith("python3 -m http.server")) {
      const [program = "", ...rest] = text.trim().split(" ");
      servers.push(spawn(program, rest, { cwd: folder, env: environment, stdio: "ignore" }));
    } else if (text !== BUILD) {
      assert.equal(language, "sh", `nothing says where this belongs: ${text}`);
      const { stdout } = await run("sh", ["-c", `set -e\n${text}pwd`], { cwd: folder, env: environment });
      const lines = stdout.trimEnd().split("\n");
      folder = lines.pop() ?? folder;
      said = lines.join("\n");
    }
  }
  return { folder, said, end: () => servers.forEach((server) => server.kill()) };
}

/** Opens a page as soon as it is served, and searches in its box; returns the first result. @param {string} url @param {string} query */
async function search(url, query) {
  const browser = await launch();
  try {
    const page = await browser.newPage();
    /** @type {string[]} */
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    const serves = () =>
      fetch(url).then(
        ({ ok }) => ok,
        () => false,
      );
    await eventually(serves, Boolean, 50);
    await page.goto(url);
    await page.keyboard.press("/");
    await page.keyboard.type(query);
    const first = page.getByRole("option").first();
    await first.waitFor({ timeout: 20_000 });
    assert.deepEqual(errors, []);
    return await first.innerText();
  } finally {
    await browser.close();
  }
}

test("the document has its three parts, and each of their files a name", () => {
  const files = [...sections].map(([name, list]) => [name.split(":")[0], list.flatMap(({ file }) => file ?? [])]);
  assert.deepEqual(files, [
    ["A search box in your own page", ["index.html", "search.js"]],
    ["A search over your own folder", ["search.mjs"]],
    ["A site's pages, without a server", ["index.html"]],
  ]);
});

test("a search box in one's own page", { skip: noBrowser || noPython }, async () => {
  const { end } = await follow("A search box in your own page");
  try {
    assert.match(await search("http://localhost:8765/", "a pet that rests"), /Cats/);
  } finally {
    end();
  }
});

test("a search over one's own folder, where a second run embeds nothing", async () => {
  const { folder, said } = await follow("A search over your own folder");
  assert.match(said, /^3 new, 0 changed, 0 as before\n\d\.\d\d git\.md /);
  const again = await run(process.execPath, ["search.mjs", join(home, "notes"), "a pet that rests"], { cwd: folder });
  assert.match(again.stdout, /^0 new, 0 changed, 3 as before\n\d\.\d\d animals\.txt /);
});

test("a site's pages without a server", { skip: noBrowser || noPython || noCommand }, async () => {
  const { folder, end } = await follow("A site's pages");
  try {
    assert.match(await search("http://localhost:8766/", "undo a commit"), /Git/);
    const { stdout } = await run(command, ["index", "notes", "notes/index", "--update"], { cwd: folder });
    assert.match(stdout, /3 documents.*\b0 embedded/);
  } finally {
    end();
  }
});
