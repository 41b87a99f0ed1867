/** Packs of other models, in the extension's private files: a view takes one in, the engine reads it. */

import { ExtensionError } from "./errors.js";

/** The folder of the private file system with a folder for each pack. */
const PACKS = "packs";
const MANIFEST = "manifest.json";
/** More than any manifest has. */
const MOST_MANIFEST = 64 << 20;

/** Whether a setting names a pack. */
export function isPackName(value: unknown): value is string {
  return typeof value === "string" && /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(value);
}

/** Copies the files of a pack from a folder that the user has picked; returns its name here. Half a pack is never left behind. */
export async function takePack(picked: Iterable<File>): Promise<string> {
  // Files of folders in this one belong to something else.
  const own = Array.from(picked).filter(({ webkitRelativePath }) => webkitRelativePath.split("/").length <= 2);
  const given = new Map(own.map((file) => [file.name, file]));
  const manifest = given.get(MANIFEST);
  if (!manifest || manifest.size > MOST_MANIFEST) {
    throw new ExtensionError(
      "not-found",
      "this folder has no manifest.json; choose the folder of a pack, as `felsic pack` makes it",
    );
  }
  const files = [MANIFEST, ...namesIn(await manifest.text())].map((name) => {
    const file = given.get(name);
    if (!file) throw new ExtensionError("not-found", `the pack lacks ${name}; choose a folder with all of its files`);
    return file;
  });
  const name = crypto.randomUUID();
  const folder = await (await packs()).getDirectoryHandle(name, { create: true });
  try {
    for (const file of files) {
      const handle = await folder.getFileHandle(file.name, { create: true });
      await file.stream().pipeTo(await handle.createWritable());
    }
  } catch (error) {
    await dropPack(name);
    throw error;
  }
  return name;
}

/** Returns the names of the files that a manifest lists; felsic checks the rest of it. */
function namesIn(manifest: string): string[] {
  try {
    const { tokenizer, shards } = JSON.parse(manifest) as { tokenizer: Named; shards: Named[] };
    const names = [tokenizer, ...shards].map(({ file }) => file);
    if (names.every((name) => typeof name === "string")) return names;
  } catch {
    // What it is not is said below.
  }
  throw new ExtensionError("manifest-invalid", "the manifest.json in this folder is not that of a pack");
}

interface Named {
  readonly file: string;
}

/** Returns the files of a pack by their names. */
export async function packFiles(name: string): Promise<Record<string, File>> {
  const folder = await (await packs()).getDirectoryHandle(name).catch((cause: unknown) => {
    throw new ExtensionError("not-found", "the browser has removed the model's files; choose them again in the options", {
      cause,
    });
  });
  const files: Record<string, File> = {};
  for await (const [file, handle] of folder.entries()) {
    if (handle.kind === "file") files[file] = await (handle as FileSystemFileHandle).getFile();
  }
  return files;
}

/** Removes a pack. */
export async function dropPack(name: string): Promise<void> {
  await (await packs()).removeEntry(name, { recursive: true }).catch(() => {});
}

/** Removes all packs but one, and what a view that was closed early has left. */
export async function dropOtherPacks(name: string): Promise<void> {
  const folder = await packs();
  const names: string[] = [];
  for await (const other of folder.keys()) if (other !== name) names.push(other);
  for (const other of names) await folder.removeEntry(other, { recursive: true }).catch(() => {});
}

async function packs(): Promise<FileSystemDirectoryHandle> {
  return (await navigator.storage.getDirectory()).getDirectoryHandle(PACKS, { create: true });
}
