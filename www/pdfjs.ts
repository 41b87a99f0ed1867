/** What the build does for pdf.js: its data become files beside the scripts, and its ways to make code from text go. */

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { Plugin } from "vite";

const ROOT = dirname(createRequire(import.meta.url).resolve("pdfjs-dist/package.json"));
/** Tables of characters of Asian fonts, the fonts that every reader has, and decoders of pictures. */
const FOLDERS = ["cmaps", "standard_fonts", "wasm"];
const FILES = /\.(?:bcmap|pfb|ttf|wasm)$|^LICENSE/;
/** Where `src/reading/pdfjs.ts` looks for them: beside the scripts. */
const PLACE = "assets/pdf";

/** The files of pdf.js that are asked for when a document needs them. */
export function pdfjsData(): Plugin {
  return {
    name: "data of pdf.js",
    generateBundle() {
      this.emitFile({ type: "asset", fileName: `${PLACE}/LICENSE`, source: readFileSync(join(ROOT, "LICENSE")) });
      for (const folder of FOLDERS) {
        for (const name of readdirSync(join(ROOT, folder)).filter((name) => FILES.test(name))) {
          this.emitFile({
            type: "asset",
            fileName: `${PLACE}/${folder}/${name}`,
            source: readFileSync(join(ROOT, folder, name)),
          });
        }
      }
    },
    configureServer({ middlewares }) {
      middlewares.use((request, response, next) => {
        const [, folder = "", name = ""] = /\/pdf\/(\w+)\/([\w.-]+)$/.exec(request.url ?? "") ?? [];
        if (!FOLDERS.includes(folder) || !FILES.test(name)) return next();
        response.end(readFileSync(join(ROOT, folder, name)));
      });
    },
  };
}

/** How pdf.js makes code from text, and core-js in it: for the global object, and for modules of Node. */
const KNOWN = /\bnew Function\(|\bFunction\((?=["']return (?:this|require)\b)/g;

/**
 * Takes `Function(…)` out of pdf.js, and out of what it brings along for older browsers. The page's policy forbids it, and pdf.js is told
 * not to use it; without it in any script, nobody has to take that on trust.
 */
export function pdfjsWithoutEval(): Plugin {
  return {
    name: "pdf.js without eval",
    transform(code, id) {
      if (!/pdfjs-dist\/legacy\/build\/pdf(?:\.worker)?(?:\.min)?\.mjs/.test(id)) return null;
      const changed = code.replaceAll(KNOWN, "(() => { throw new EvalError(); })(");
      if (/\bFunction\(|\beval\(/.test(changed)) this.error(`${id} makes code from text in a way that is not known`);
      return { code: changed, map: null };
    },
  };
}
