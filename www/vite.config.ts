import { defineConfig } from "vite";
import { pdfjsData, pdfjsWithoutEval } from "./pdfjs.js";
import { HEADERS, POLICY } from "./src/policy.js";

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
  },
  // Workers load what a file needs when it comes, which other formats cannot.
  worker: { format: "es", plugins: () => [pdfjsWithoutEval()] },
  preview: { headers: HEADERS },
  plugins: [
    pdfjsData(),
    pdfjsWithoutEval(),
    {
      name: "content security policy",
      transformIndexHtml: () => [
        { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
      ],
    },
  ],
});
