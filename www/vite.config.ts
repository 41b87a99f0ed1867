import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { defineConfig } from "vite";
import { pdfjsData, pdfjsWithoutEval } from "./pdfjs.js";
import { app } from "./plugins/app.js";
import { watchModules } from "./plugins/notices.js";
import { HEADERS } from "./src/policy.js";

/** Where the onnxruntime-web lies that the transformers.js of `bench/` depends on. */
function transformersOrt(): string {
  const bench = createRequire(join(import.meta.dirname, "bench/vite.config.ts"));
  try {
    return dirname(
      createRequire(bench.resolve("@huggingface/transformers")).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"),
    );
  } catch (cause) {
    throw new Error("transformers.js is missing: `npm ci --prefix www/bench` installs it", { cause });
  }
}

export default defineConfig({
  // Relative addresses, so that the page works from any folder of any server.
  base: "./",
  // What is not there is answered with 404, not with the page.
  appType: "mpa",
  resolve: { alias: { "transformers-ort": transformersOrt() } },
  build: {
    target: "es2022",
    // An inlined file would be a data: URL, which the page's content security policy refuses.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: ["index.html", "bench.html"].map((name) => join(import.meta.dirname, name)).filter((file) => existsSync(file)),
    },
  },
  // Workers load what a file needs when it comes, which other formats cannot.
  worker: {
    format: "es",
    plugins: () => [pdfjsWithoutEval(), watchModules()],
    // Not every host knows that .mjs is a script, and a browser imports nothing else.
    rolldownOptions: {
      output: { assetFileNames: ({ names }) => `assets/[name]-[hash]${names[0]?.endsWith(".mjs") ? ".js" : "[extname]"}` },
    },
  },
  preview: { headers: HEADERS },
  plugins: [pdfjsData(), pdfjsWithoutEval(), watchModules(), app()],
});
