/** What was dropped, picked or shared, as folders and files. */

import { isLeftOut, MOST_FILES } from "./walk.js";

/** A file that the page was given, and its path. */
export interface GivenFile {
  readonly path: string;
  readonly file: File;
}

/** A folder that can be read again, a folder whose files were given once, or files. */
export type Given =
  | { readonly kind: "handle"; readonly handle: FileSystemDirectoryHandle }
  | { readonly kind: "folder"; readonly name: string; readonly files: readonly GivenFile[] }
  | { readonly kind: "files"; readonly files: readonly GivenFile[] };

/** Divides items into folders and files. A `DataTransfer` has to be given while its event is being handled. */
export async function givenOf(items: DataTransfer | FileList | readonly File[]): Promise<Given[]> {
  if ("items" in items) return dropped(items);
  return divided(Array.from(items as ArrayLike<File>, (file) => ({ path: file.webkitRelativePath || file.name, file })));
}

/** Files with a path in a folder belong to that folder, as `<input webkitdirectory>` gives them. */
function divided(files: readonly GivenFile[]): Given[] {
  const folders = new Map<string, GivenFile[]>();
  const single: GivenFile[] = [];
  for (const { path, file } of files) {
    const at = path.indexOf("/");
    const inside = path.slice(at + 1);
    if (at < 0) single.push({ path, file });
    else if (!inside.split("/").some(isLeftOut)) push(folders, path.slice(0, at), { path: inside, file });
  }
  const given: Given[] = Array.from(folders, ([name, files]) => ({ kind: "folder", name, files }));
  return single.length > 0 ? [...given, { kind: "files", files: single }] : given;
}

function push(folders: Map<string, GivenFile[]>, name: string, file: GivenFile): void {
  const files = folders.get(name) ?? [];
  if (files.length < MOST_FILES) files.push(file);
  folders.set(name, files);
}

async function dropped(transfer: DataTransfer): Promise<Given[]> {
  const items = Array.from(transfer.items).filter(({ kind }) => kind === "file");
  // All of these calls have to be made before the event is over.
  const taken = items.map((item) => ({
    handle: typeof item.getAsFileSystemHandle === "function" ? item.getAsFileSystemHandle().catch(() => null) : undefined,
    entry: item.webkitGetAsEntry?.() ?? undefined,
    file: item.getAsFile() ?? undefined,
  }));
  const folders: Given[] = [];
  const files: GivenFile[] = [];
  for (const { handle, entry, file } of taken) {
    const given = await handle;
    if (given?.kind === "directory") folders.push({ kind: "handle", handle: given as FileSystemDirectoryHandle });
    else if (entry?.isDirectory) folders.push(await entryFolder(entry as FileSystemDirectoryEntry));
    else if (file) files.push({ path: file.name, file });
  }
  return files.length > 0 ? [...folders, { kind: "files", files }] : folders;
}

/** Reads a dropped folder in a browser without handles. */
async function entryFolder(root: FileSystemDirectoryEntry): Promise<Given> {
  const files: GivenFile[] = [];
  const visit = async (folder: FileSystemDirectoryEntry, path: string): Promise<void> => {
    const reader = folder.createReader();
    for (;;) {
      // Each call gives a part of the entries, at last none.
      const entries = await new Promise<FileSystemEntry[]>((resolve, reject) => reader.readEntries(resolve, reject));
      if (entries.length === 0) return;
      for (const entry of entries) {
        const at = path === "" ? entry.name : `${path}/${entry.name}`;
        if (isLeftOut(entry.name) || files.length >= MOST_FILES) continue;
        if (entry.isDirectory) await visit(entry as FileSystemDirectoryEntry, at);
        else {
          const file = await new Promise<File | undefined>((resolve) =>
            (entry as FileSystemFileEntry).file(resolve, () => resolve(undefined)),
          );
          if (file) files.push({ path: at, file });
        }
      }
    }
  };
  await visit(root, "");
  return { kind: "folder", name: root.name, files };
}
