/**
 * Makes a static site of the repository's documents in target/doc/site, with felsic's own files beside it. `cargo xtask test docs` puts an
 * index there afterwards, so that the site can be searched.
 */

import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, posix, relative, resolve } from "node:path";
import { Marked } from "marked";

const root = resolve(import.meta.dirname, "../..");
const target = process.env.CARGO_TARGET_DIR ? resolve(root, process.env.CARGO_TARGET_DIR) : join(root, "target");
const site = join(target, "doc/site");
const dist = join(target, "package/dist");

/** What a visitor of the site loads of the package. */
const LOADED = /^((search-box|search|index|common|worker-(search|cpu|relaxed))\.js|felsic_(search|cpu|relaxed)_bg\.wasm|model)$/;

const documents = [
  ...["README.md", "DESIGN.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "models/felsic-small-english/README.md"],
  ...readdirSync(join(root, "docs")).flatMap((name) => (name.endsWith(".md") ? [`docs/${name}`] : [])),
].filter((file) => existsSync(join(root, file)));

/** Where the page of a document is. @param {string} file */
const pageOf = (file) => file.replace(/(^|\/)README\.md$/, "$1index.html").replace(/\.md$/, ".html");

/** @param {string} text */
const escaped = (text) => text.replace(/[&<>"]/g, (letter) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;" })[letter] ?? "&quot;");

/** The anchor of a heading, as GitHub makes it. @param {string} text */
const anchor = (text) =>
  text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, "")
    .trim()
    .replace(/\s/g, "-");

/** Turns a document into a page's content; links to other documents become links to their pages. @param {string} file */
function content(file) {
  const marked = new Marked({
    renderer: {
      heading({ tokens, depth, text }) {
        return `<h${depth} id="${escaped(anchor(text))}">${this.parser.parseInline(tokens)}</h${depth}>\n`;
      },
    },
    walkTokens(token) {
      if (token.type !== "link" && token.type !== "image") return;
      const [path = "", hash] = token.href.split("#");
      const other = posix.join(posix.dirname(file), path);
      if (path && documents.includes(other)) {
        token.href = posix.relative(posix.dirname(pageOf(file)) || ".", pageOf(other)) + (hash === undefined ? "" : `#${hash}`);
      }
    },
  });
  return marked.parse(readFileSync(join(root, file), "utf8"));
}

/** The first heading. @param {string} file */
const titleOf = (file) => /^# (.+)$/m.exec(readFileSync(join(root, file), "utf8"))?.[1] ?? file;

/** @param {string} file */
function page(file) {
  const up = relative(dirname(pageOf(file)), ".") || ".";
  const links = documents.map((other) => {
    const here = other === file ? ' aria-current="page"' : "";
    return `<li><a href="${up}/${pageOf(other)}"${here}>${escaped(titleOf(other).replace(/^felsic: /, ""))}</a></li>`;
  });
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <meta http-equiv="content-security-policy" content="default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self' data:; require-trusted-types-for 'script'; trusted-types felsic" />
    <title>${escaped(titleOf(file))}</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="${up}/site.css" />
    <script type="module" src="${up}/felsic/search-box.js"></script>
  </head>
  <body>
    <header><a href="${up}/index.html">felsic</a> <felsic-search index="${up}/index/"></felsic-search></header>
    <nav aria-label="Documents"><ul>${links.join("")}</ul></nav>
    <main>${content(file)}</main>
  </body>
</html>
`;
}

const STYLE = `:root { color-scheme: light dark; --line: light-dark(#d9dce1, #3a4049); --raised: light-dark(#f3f4f6, #1f2329); --link: light-dark(#0b5cad, #84b9f5); }
body { margin: 0 auto; max-width: 76rem; font: 16px/1.6 system-ui, sans-serif; background: light-dark(#fff, #14171b); color: light-dark(#1c1e21, #e8eaed); display: grid; grid-template-columns: 15rem minmax(0, 1fr); gap: 0 2.5rem; padding: 0 1.5rem 4rem; }
header { grid-column: 1 / -1; display: flex; align-items: center; justify-content: space-between; padding: 12px 0; border-bottom: 1px solid var(--line); }
header a { font-weight: 700; font-size: 20px; color: inherit; text-decoration: none; }
a { color: var(--link); }
nav ul { list-style: none; margin: 1.5rem 0; padding: 0; font-size: 15px; }
nav a { text-decoration: none; display: block; padding: 3px 0; }
nav a[aria-current] { color: inherit; font-weight: 600; }
pre, code { font: 14px/1.5 ui-monospace, monospace; background: var(--raised); border-radius: 6px; }
code { padding: 1px 4px; }
pre { padding: 12px 16px; overflow-x: auto; }
pre code { padding: 0; }
table { border-collapse: collapse; display: block; overflow-x: auto; font-size: 15px; }
th, td { border: 1px solid var(--line); padding: 5px 10px; text-align: start; vertical-align: top; }
img { max-width: 100%; }
@media (max-width: 800px) { body { grid-template-columns: minmax(0, 1fr); } nav ul { display: flex; flex-wrap: wrap; gap: 0 16px; } }
`;

rmSync(site, { recursive: true, force: true });
for (const file of documents) {
  const path = join(site, pageOf(file));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, page(file));
}
writeFileSync(join(site, "site.css"), STYLE);
for (const name of readdirSync(join(root, "docs")).filter((name) => /\.(png|svg)$/.test(name))) {
  cpSync(join(root, "docs", name), join(site, "docs", name));
}
for (const name of readdirSync(dist).filter((name) => LOADED.test(name))) {
  cpSync(join(dist, name), join(site, "felsic", name), { recursive: true });
}
console.log(`${documents.length} pages in ${relative(root, site)}`);
