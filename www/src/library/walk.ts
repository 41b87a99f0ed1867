/** Reads folders that the browser gives as handles. */

/** A file in a folder. */
export interface Found {
  /** The path below the folder. */
  readonly path: string;
  readonly handle: FileSystemFileHandle;
  readonly file: File;
}

/** The most files of one source; the others are left out. */
export const MOST_FILES = 50_000;
/** The most folders in folders. */
const DEEPEST = 64;
/** Files whose size and date are asked for at the same time. */
const AT_ONCE = 16;

/** Folders that programs fill, and nobody writes in. */
const LEFT_OUT = new Set(["node_modules", "bower_components", "__pycache__", "$RECYCLE.BIN", "System Volume Information"]);
/** Files that programs leave behind. */
const LEFT_OUT_FILE = /^(?:Thumbs\.db|desktop\.ini|Icon\r|~\$.*)$/i;

/** Whether a file or a folder is never taken up, such as a hidden one. */
export function isLeftOut(name: string): boolean {
  return name.startsWith(".") || LEFT_OUT.has(name) || LEFT_OUT_FILE.test(name);
}

/** What a walk has seen besides the files that it has given. */
export interface Walked {
  /** Paths of folders and files that could not be read: what is known of them stays. */
  readonly unread: string[];
  /** Whether there are more files than may be. */
  readonly tooMany: boolean;
}

/** Gives the files of a folder and of those in it. Rejects if the folder itself cannot be read. */
export async function walk(
  folder: FileSystemDirectoryHandle,
  give: (files: readonly Found[]) => Promise<void>,
  signal: AbortSignal,
): Promise<Walked> {
  const unread: string[] = [];
  let files = 0;
  const visit = async (handle: FileSystemDirectoryHandle, path: string, depth: number): Promise<void> => {
    const folders: [string, FileSystemDirectoryHandle][] = [];
    let group: [string, FileSystemFileHandle][] = [];
    const flush = async () => {
      const asked = group.map(([path, handle]) => found(path, handle).catch(() => void unread.push(path)));
      group = [];
      await give((await Promise.all(asked)).filter((file) => file !== undefined));
    };
    for await (const [name, entry] of handle.entries()) {
      signal.throwIfAborted();
      if (isLeftOut(name)) continue;
      const at = path === "" ? name : `${path}/${name}`;
      if (entry.kind === "directory") folders.push([at, entry]);
      else if (files < MOST_FILES) {
        files += 1;
        group.push([at, entry]);
      } else files = Infinity;
      if (group.length >= AT_ONCE) await flush();
    }
    await flush();
    for (const [at, entry] of folders) {
      if (depth >= DEEPEST) unread.push(at);
      else await visit(entry, at, depth + 1).catch((error: unknown) => failed(error, at));
    }
  };
  const failed = (error: unknown, path: string) => {
    signal.throwIfAborted();
    // A folder that is gone has no files any more.
    if (!(error instanceof DOMException && error.name === "NotFoundError")) unread.push(path);
  };
  await visit(folder, "", 0);
  return { unread, tooMany: files === Infinity };
}

async function found(path: string, handle: FileSystemFileHandle): Promise<Found> {
  return { path, handle, file: await handle.getFile() };
}

/** Returns a file of a folder by its path below the folder. */
export async function fileAt(folder: FileSystemDirectoryHandle, path: string): Promise<File> {
  const names = path.split("/");
  const name = names.pop()!;
  let at = folder;
  for (const folderName of names) at = await at.getDirectoryHandle(folderName);
  return (await at.getFileHandle(name)).getFile();
}

/** Whether a folder may be read, perhaps after a question, which browsers allow only in a click. */
export async function mayRead(folder: FileSystemDirectoryHandle, ask: boolean): Promise<boolean> {
  // Not every browser that has handles has permissions: Firefox and Safari give only those of the page's own file system.
  if (typeof folder.queryPermission !== "function") return true;
  const state = await folder.queryPermission({ mode: "read" });
  if (state !== "prompt" || !ask) return state === "granted";
  return (await folder.requestPermission({ mode: "read" })) === "granted";
}
