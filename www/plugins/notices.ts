/** The licences of all that is in the built page: felsic's own, and those of the libraries that only the page has. */

import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";
import { noticesOf, packagesOf } from "../../ui/notices.mjs";

/** The modules of the page, of its workers and of its service worker, which are built one by one. */
const modules = new Set<string>();

/** Notes the modules of a build. */
export function noteModules(bundle: Iterable<{ readonly type: string; readonly moduleIds?: readonly string[] }>): void {
  for (const { moduleIds = [] } of bundle) for (const id of moduleIds) modules.add(id);
}

/** Notes the modules of the build that it is a plugin of. */
export const watchModules = (): Plugin => ({
  name: "felsic notices",
  generateBundle: (_, bundle) => noteModules(Object.values(bundle)),
});

/** The notices of the package, which has none if its binaries were built by hand. */
const PACKAGE = join(import.meta.dirname, "../node_modules/felsic/THIRD-PARTY-NOTICES.txt");

const require = createRequire(import.meta.url);
const folderOf = (library: string) => dirname(require.resolve(`${library}/package.json`));

/** What libraries have in their own files, so that no module says so: the folders, by the end of the library's. */
const INSIDE = {
  "@huggingface/transformers": ["jinja", "tokenizers"].map((name) =>
    join(import.meta.dirname, "../bench/node_modules/@huggingface", name),
  ),
  "pdfjs-dist": [folderOf("core-js")],
};

/** Returns the notices, as soon as everything is built. */
export function notices(): string {
  const folders = packagesOf(modules);
  const has = (library: string) => folders.some((folder) => folder.replaceAll("\\", "/").endsWith(`/${library}`));
  const inside = Object.entries(INSIDE).flatMap(([library, own]) => (has(library) ? own : []));
  return (existsSync(PACKAGE) ? readFileSync(PACKAGE, "utf8") : "") + noticesOf([...folders, ...inside]);
}
