/** Installs the libraries that felsic adapts to beside the packed package, and bundles pages there. */

import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { root, target } from "../browser/harness.mjs";
import { installBeside } from "../package/harness.mjs";

const here = import.meta.dirname;
/** The folder of a consumer that has all libraries. */
export const installed = join(target, "adapters");

/** Installs the libraries, unless they are installed, the packed package, and this folder's sources. */
export function install() {
  installBeside(here, installed);
  for (const name of ["consumer.ts", "page.js", "server.js"]) cpSync(join(here, name), join(installed, name));
  // The sources of the adapters, without the stand-ins for the libraries.
  const sources = join(installed, "src");
  rmSync(sources, { recursive: true, force: true });
  cpSync(join(root, "pkg/src"), sources, { recursive: true, filter: (file) => !file.endsWith("peers.d.ts") });
}

/** Bundles the page into a folder, which is returned. */
export async function bundlePage() {
  const { build } = await import(pathToFileURL(join(installed, "node_modules/esbuild/lib/main.js")).href);
  const outdir = join(installed, "page");
  await build({
    absWorkingDir: installed,
    entryPoints: ["page.js"],
    bundle: true,
    format: "esm",
    outdir,
    define: { "process.env.NODE_ENV": '"development"' },
    logLevel: "error",
  });
  writeFileSync(
    join(outdir, "index.html"),
    '<!doctype html><title>adapters</title><link rel="icon" href="data:,"><script type="module" src="page.js"></script>',
  );
  return outdir;
}
