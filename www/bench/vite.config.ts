import { defineConfig } from "vite";

// The page is a part of the site: it lands under bench/ beside the search page and uses relative addresses only.
export default defineConfig({
  base: "./",
  worker: { format: "es" },
  build: {
    target: "es2022",
    outDir: "../dist/bench",
    emptyOutDir: true,
    // A wasm file inside a script would be counted, and loaded, as script.
    assetsInlineLimit: 0,
  },
});
