/**
 * What makes the built page an app: the first script and the policy before everything else in its head, its web app manifest, and a
 * service worker with the list of all files and their hashes.
 */

import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join, relative, resolve, sep } from "node:path";
import { rolldown } from "rolldown";
import type { HtmlTagDescriptor, Plugin } from "vite";
import type { AppFile, AppFiles } from "../src/app-shell/protocol.js";
import { POLICY } from "../src/policy.js";
import { noteModules, notices } from "./notices.js";

const shell = join(import.meta.dirname, "../src/app-shell");

/** The name of the service worker's script: the one file whose name and place may never change. */
const WORKER = "sw.js";
/** Files that are kept when they have been used: what most people never need. */
const LATER = /felsic_(gpu|packer)|worker-(gpu|packer)|\bgpu-|pdf|bench|unkept|transformers|ort-wasm/i;
/** Files that the page does not consist of. */
const BESIDE = /^(sw\.js|404\.html|\.nojekyll|THIRD-PARTY-NOTICES\.txt)$|^(docs|packs|bench|screenshots)\/|\.map$/;
/** The folder in which the build names files by their content. */
const HASHED = /^assets\/[^/]+-[\w-]{8}\.\w+$/;
/** The most bytes that are kept of a visitor's first visit. */
const MOST_FIRST = 20_000_000;

/** Makes an app of the page. */
export function app(): Plugin {
  let folder = "dist";
  let isBuild = false;
  return {
    name: "felsic app",
    configResolved({ root, build, command }) {
      folder = resolve(root, build.outDir);
      isBuild = command === "build";
    },
    async buildStart() {
      if (isBuild) this.emitFile({ type: "asset", name: "first.js", source: await bundled("first.ts") });
    },
    transformIndexHtml: {
      order: "post",
      handler(_, { bundle, path }) {
        const first = Object.values(bundle ?? {}).find(({ fileName }) => /^assets\/first-[\w-]+\.js$/.test(fileName));
        if (isBuild && !first) throw new Error(`${path} gets no first script`);
        return head(first ? `./${first.fileName}` : undefined);
      },
    },
    async closeBundle() {
      if (!isBuild || !existsSync(join(folder, "index.html"))) return;
      await writeWorker(folder);
      writeFileSync(join(folder, "THIRD-PARTY-NOTICES.txt"), notices());
    },
  };
}

/** What comes first in the page's head. */
function head(first: string | undefined): HtmlTagDescriptor[] {
  const prepended: HtmlTagDescriptor[] = [
    { tag: "meta", attrs: { "http-equiv": "Content-Security-Policy", content: POLICY }, injectTo: "head-prepend" },
    // A development server serves the script itself; a module, so that it runs later, but before the page's own.
    first !== undefined
      ? { tag: "script", attrs: { src: first }, injectTo: "head-prepend" }
      : { tag: "script", attrs: { type: "module", src: "/src/app-shell/first.ts" }, injectTo: "head-prepend" },
  ];
  const links: HtmlTagDescriptor[] = [
    { tag: "link", attrs: { rel: "manifest", href: "./app.webmanifest" }, injectTo: "head" },
    { tag: "link", attrs: { rel: "apple-touch-icon", href: "./icons/icon-192.png" }, injectTo: "head" },
  ];
  return [...prepended, ...links];
}

/**
 * Writes the service worker of a built page. It must be the last that is written there.
 *
 * @param folder of the built page
 */
export async function writeWorker(folder: string): Promise<AppFiles> {
  rmSync(join(folder, WORKER), { force: true });
  const files = listed(folder);
  await bundled("sw/sw.ts", { FELSIC_FILES: JSON.stringify(files) }, join(folder, WORKER));
  return files;
}

/** Lists the files of a built page. */
function listed(folder: string): AppFiles {
  const first: AppFile[] = [];
  const later: AppFile[] = [];
  let bytes = 0;
  for (const url of under(folder)) {
    if (BESIDE.test(url)) continue;
    const content = readFileSync(join(folder, url));
    const integrity = `sha256-${createHash("sha256").update(content).digest("base64")}`;
    const revision = HASHED.test(url) ? null : createHash("sha256").update(content).digest("hex").slice(0, 16);
    const isLater = LATER.test(url);
    (isLater ? later : first).push({ url: encodeURI(url), revision, integrity });
    if (!isLater) bytes += content.length;
  }
  if (bytes > MOST_FIRST)
    throw new Error(`${bytes} bytes would be kept at the first visit, more than ${MOST_FIRST}; name files for later (LATER)`);
  return { first, later };
}

/** Returns all files below a folder, in order, relative to it and with `/`. */
function under(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => statSync(join(folder, name)).isFile())
    .map((name) => relative(folder, join(folder, name)).split(sep).join("/"))
    .sort();
}

/** Bundles a script that is no module, and returns it, or writes it to a file. */
async function bundled(name: string, define: Record<string, string> = {}, file?: string): Promise<string> {
  const bundle = await rolldown({
    input: join(shell, name),
    platform: "browser",
    transform: { target: "es2022", define: { "process.env.NODE_ENV": '"production"', ...define } },
  });
  const output = { format: "iife", minify: true } as const;
  const { output: chunks } = file === undefined ? await bundle.generate(output) : await bundle.write({ ...output, file });
  await bundle.close();
  noteModules(chunks);
  return chunks[0].code;
}
