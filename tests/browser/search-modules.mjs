/** The modules of felsic/search that need no browser, for tests that run in Node. */

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { pathToFileURL } from "node:url";
import { rolldown } from "rolldown";

const src = join(import.meta.dirname, "../../pkg/src/search");

/**
 * @typedef {object} Modules
 * @property {typeof import("../../pkg/dist/types/search/terms.js")} terms
 * @property {typeof import("../../pkg/dist/types/search/words.js")} words
 * @property {typeof import("../../pkg/dist/types/search/highlight.js")} highlight
 * @property {typeof import("../../pkg/dist/types/search/score.js")} score
 * @property {typeof import("../../pkg/dist/types/search/fuse.js")} fuse
 * @property {typeof import("../../pkg/dist/types/search/segments.js")} segments
 * @property {typeof import("../../pkg/dist/types/search/files.js")} files
 * @property {typeof import("../../pkg/dist/types/search/index-manifest.js")} index-manifest
 * @property {typeof import("../../pkg/dist/types/search/stored-check.js")} stored-check
 * @property {typeof import("../../pkg/dist/types/search/where.js")} where
 * @property {typeof import("../../pkg/dist/types/search/k-means.js")} k-means
 * @property {typeof import("../../pkg/dist/types/search/labels.js")} labels
 * @property {typeof import("../../pkg/dist/types/search/pca.js")} pca
 * @property {typeof import("../../pkg/dist/types/search/arrange.js")} arrange
 * @property {typeof import("../../pkg/dist/types/search/layout-plan.js")} layout-plan
 * @property {typeof import("../../pkg/dist/types/search/placing.js")} placing
 * @property {typeof import("../../pkg/dist/types/search/random.js")} random
 * @property {typeof import("../../pkg/dist/types/search/slices.js")} slices
 * @property {typeof import("../../pkg/dist/types/search/plain.js")} plain
 * @property {typeof import("../../pkg/dist/types/search/clusters.js")} clusters
 * @property {typeof import("../../pkg/dist/types/search/live.js")} live
 * @property {typeof import("../../pkg/dist/types/search/batches.js")} batches
 * @property {typeof import("../../pkg/dist/types/search/transfer-lines.js")} transfer-lines
 * @property {typeof import("../../pkg/dist/types/search-box/links.js")} links
 */

/** Bundles the modules and imports them. @returns {Promise<Modules>} */
export async function searchModules() {
  const names = [
    "terms",
    "words",
    "highlight",
    "score",
    "fuse",
    "segments",
    "files",
    "index-manifest",
    "stored-check",
    "where",
    "k-means",
    "labels",
    "pca",
    "arrange",
    "layout-plan",
    "placing",
    "random",
    "slices",
    "plain",
    "clusters",
    "live",
    "batches",
    "transfer-lines",
    "../search-box/links",
  ];
  const folder = mkdtempSync(join(tmpdir(), "felsic-search-"));
  try {
    const input = Object.fromEntries(names.map((name) => [basename(name), join(src, `${name}.ts`)]));
    const bundle = await rolldown({ input, platform: "neutral", resolve: { mainFields: ["module", "main"] } });
    await bundle.write({ dir: folder, format: "esm", entryFileNames: "[name].mjs", chunkFileNames: "[name]-[hash].mjs" });
    await bundle.close();
    const load = async (/** @type {string} */ name) => [name, await import(pathToFileURL(join(folder, `${name}.mjs`)).href)];
    return Object.fromEntries(await Promise.all(names.map((name) => load(basename(name)))));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
