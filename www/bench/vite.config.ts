import { createRequire } from "node:module";
import { dirname } from "node:path";
import { defineConfig } from "vite";

/** Where the onnxruntime-web lies that transformers.js depends on, which is another release than the one measured alone. */
function transformersOrt(): string {
  const transformers = createRequire(import.meta.url).resolve("@huggingface/transformers");
  return dirname(createRequire(transformers).resolve("onnxruntime-web/ort-wasm-simd-threaded.wasm"));
}

// The page is a part of the site: it lands under bench/ beside the search page and uses relative addresses only.
export default defineConfig({
  base: "./",
  worker: { format: "es" },
  resolve: { alias: { "transformers-ort": transformersOrt() } },
  build: {
    target: "es2022",
    outDir: "../dist/bench",
    emptyOutDir: true,
    // A wasm file inside a script would be counted, and loaded, as script.
    assetsInlineLimit: 0,
  },
});
