/**
 * Puts together what is published: the page, the benchmark page and the documents, as static files that work in any folder of any host,
 * without special headers. `cargo xtask site` builds them first; this puts them into target/site.
 */

import { createHash } from "node:crypto";
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const target = process.env.CARGO_TARGET_DIR ? resolve(root, process.env.CARGO_TARGET_DIR) : join(root, "target");

/** What is built beside the page for a demo or a measurement. */
const NOT_PUBLISHED = ["packs", "bench"];

/** Finds the page's folder from wherever nothing was found: it is the one with a web app manifest. */
const FIND_HOME = `
const folders = location.pathname.split("/").slice(0, -1);
for (; folders.length > 0; folders.pop()) {
  const folder = folders.join("/") + "/";
  const answer = await fetch(folder + "app.webmanifest", { method: "HEAD" }).catch(() => undefined);
  if (!answer?.ok) continue;
  document.querySelector("a").href = folder;
  break;
}
`;

const NOT_FOUND_STYLE = `
:root { color-scheme: light dark; font: 17px/1.6 system-ui, sans-serif; }
body { margin: 20vh auto 0; max-width: 30rem; padding: 0 1.5rem; }
`;

/** @param {string} text */
const integrity = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;

/** What a host shows for an address that it has nothing for. */
const NOT_FOUND = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="content-security-policy" content="default-src 'none'; connect-src 'self'; script-src ${integrity(FIND_HOME)}; style-src ${integrity(NOT_FOUND_STYLE)}" />
    <meta name="viewport" content="width=device-width" />
    <meta name="robots" content="noindex" />
    <title>Not found · felsic</title>
    <link rel="icon" href="data:," />
    <style>${NOT_FOUND_STYLE}</style>
  </head>
  <body>
    <h1>There is no page at this address</h1>
    <p>It may have moved. <a href="./">Go to private search</a>.</p>
    <script type="module">${FIND_HOME}</script>
  </body>
</html>
`;

/**
 * Puts the site together, and checks it.
 *
 * @param {string} out the folder, which is replaced
 * @param {{ documents?: boolean }} [options] whether the documents must be there; otherwise they are left out if they have not been built
 */
export function assemble(out, { documents = true } = {}) {
  const page = join(root, "www/dist");
  const docs = join(target, "doc/site");
  for (const [folder, command] of [[page, "npm run build"], ...(documents ? [[docs, "cargo xtask test docs"]] : [])])
    if (!existsSync(join(String(folder), "index.html"))) throw new Error(`${folder} is not there; \`${command}\` makes it`);
  rmSync(out, { recursive: true, force: true });
  cpSync(page, out, { recursive: true, filter: (path) => !NOT_PUBLISHED.includes(relative(page, path)) });
  if (existsSync(join(docs, "index.html"))) cpSync(docs, join(out, "docs"), { recursive: true });
  writeFileSync(join(out, "404.html"), NOT_FOUND);
  // GitHub Pages would leave out what begins with an underscore.
  writeFileSync(join(out, ".nojekyll"), "");
  const problems = check(out);
  if (problems.length > 0) throw new Error(`the site would not work:\n${problems.join("\n")}`);
}

/** References in a page, in a style sheet, in a web app manifest. */
const REFERENCES = [
  [/\.html$/, /\s(?:src|href|action|poster|data|index)\s*=\s*"([^"]*)"/g],
  [/\.css$/, /url\(\s*["']?([^"')]*)/g],
  [/\.webmanifest$/, /"(?:src|start_url|scope|id|action)"\s*:\s*"([^"]*)"/g],
];
/** References that lead elsewhere on purpose. */
const ELSEWHERE = /^(?:https?:|mailto:|data:|#)/;

/** Returns what is wrong with the references of a site: those from the host's root, and those of the pages to what is not there. @param {string} site */
export function check(site) {
  /** @type {string[]} */
  const problems = [];
  for (const name of readdirSync(site, { recursive: true, encoding: "utf8" })) {
    for (const [file, references] of /** @type {[RegExp, RegExp][]} */ (REFERENCES)) {
      if (!file.test(name) || !statSync(join(site, name)).isFile()) continue;
      for (const [, reference = ""] of readFileSync(join(site, name), "utf8").matchAll(references)) {
        if (ELSEWHERE.test(reference)) continue;
        if (reference.startsWith("/")) problems.push(`${name} refers to ${reference}, from the host's root`);
        // Documents also link to files of the repository.
        else if (!name.startsWith("docs") && !isThere(join(site, dirname(name)), reference))
          problems.push(`${name} refers to ${reference}, which is not there`);
      }
    }
  }
  return problems;
}

/** @param {string} folder @param {string} reference */
function isThere(folder, reference) {
  const path = decodeURIComponent(reference.replace(/[?#].*$/, ""));
  // The service worker takes what is shared; no file has its name.
  return path === "./share" || existsSync(join(folder, path));
}

if (process.argv[1] === import.meta.filename) {
  const out = join(target, "site");
  assemble(out);
  console.log(`The site is in ${relative(root, out)}: serve its files as they are, from any folder.`);
}
