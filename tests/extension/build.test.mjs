/** What is built, without a browser: permissions, policy, and that nothing in the package loads or names anything outside of it. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { unzipSync } from "fflate";
import { built } from "./harness.mjs";

/** @param {"chromium" | "firefox"} browser */
const manifestOf = (browser) => JSON.parse(readFileSync(join(built, browser, "manifest.json"), "utf8"));

/** @param {string} folder */
const scripts = (folder) =>
  readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".js"))
    .map((name) => ({ name, code: readFileSync(join(folder, name), "utf8") }));

test("installation asks for no page and shows no warning", () => {
  const { permissions, host_permissions, content_scripts } = manifestOf("chromium");
  assert.deepEqual(permissions, ["activeTab", "scripting", "storage", "offscreen", "sidePanel"]);
  assert.deepEqual(manifestOf("firefox").permissions, ["activeTab", "scripting", "storage"]);
  assert.equal(host_permissions, undefined);
  assert.equal(content_scripts, undefined);
});

test("the licences of all libraries are in the package", () => {
  for (const browser of ["chromium", "firefox"]) {
    const notices = readFileSync(join(built, browser, "THIRD-PARTY-NOTICES.txt"), "utf8");
    for (const name of ["burn-flex", "minisearch", "preact", "@preact/signals", "idb-keyval"])
      assert.ok(notices.includes(name), name);
  }
});

test("private windows are out of reach", () => {
  for (const browser of /** @type {const} */ (["chromium", "firefox"])) {
    assert.equal(manifestOf(browser).incognito, "not_allowed");
  }
});

test("each permission has its reason in the README", () => {
  const readme = readFileSync(join(import.meta.dirname, "../../extension/README.md"), "utf8");
  const { permissions, optional_permissions } = manifestOf("chromium");
  for (const name of [...permissions, ...optional_permissions]) assert.match(readme, new RegExp(`\`${name}\``), name);
});

for (const browser of /** @type {const} */ (["chromium", "firefox"])) {
  test(`${browser}: code comes from the package alone`, () => {
    const policy = manifestOf(browser).content_security_policy.extension_pages;
    assert.match(policy, /default-src 'none'/);
    assert.match(policy, /script-src 'self' 'wasm-unsafe-eval'(;|$)/);
    assert.match(policy, /connect-src 'self'(;|$)/);
    assert.doesNotMatch(policy, /'unsafe-eval'|'unsafe-inline'|https?:|data:|blob:/);
    for (const { name, code } of scripts(join(built, browser))) {
      // One text in felsic's scripts describes functions as "Function(name)".
      assert.equal(/\beval\(|\bnew Function\b|\bFunction\((?!\$\{)|importScripts\(/.exec(code)?.[0], undefined, name);
      const hosts = [...code.matchAll(/https?:\/\/[\w.-]+/g)].map(([host]) => host);
      // Names of XML, and names that nobody can have.
      const known = ["http://www.w3.org", "https://felsic.invalid", "https://example.org"];
      assert.deepEqual(
        hosts.filter((host) => !known.includes(host)),
        [],
        name,
      );
    }
  });

  test(`${browser}: the zip has the folder's files`, () => {
    const files = Object.keys(unzipSync(readFileSync(join(built, `${browser}.zip`))));
    const folder = readdirSync(join(built, browser), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    assert.equal(files.length, folder.length);
    assert.ok(files.includes("manifest.json"));
    assert.ok(!files.some((name) => name.includes("gpu") || name.includes("packer")));
  });
}

test("only the background differs from browser to browser, and Firefox has no offscreen document", () => {
  assert.ok(!readdirSync(join(built, "firefox")).includes("engine.html"));
  const [background] = scripts(join(built, "firefox")).filter(({ name }) => name === "background.js");
  assert.doesNotMatch(background?.code ?? "", /offscreen|sidePanel/);
});
