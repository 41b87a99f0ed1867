import { existsSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vite";
import { pdfjsData, pdfjsWithoutEval } from "./pdfjs.js";
import { app } from "./plugins/app.js";
import { watchModules } from "./plugins/notices.js";
import { HEADERS } from "./src/policy.js";

export default defineConfig({
  // Relative addresses, so that the page works from any folder of any server.
  base: "./",
  // What is not there is answered with 404, not with the page.
  appType: "mpa",
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
  worker: { format: "es", plugins: () => [pdfjsWithoutEval(), watchModules()] },
  preview: { headers: HEADERS },
  plugins: [pdfjsData(), pdfjsWithoutEval(), watchModules(), app()],
});
