/** Where checkpoints are, and what their URLs say about them. */

/** An owner and a name, and perhaps a revision: what the Hugging Face hub calls a model. */
const HUB_ID = /^(?<owner>[A-Za-z0-9][\w.-]*)\/(?<name>[A-Za-z0-9][\w.-]*)(?:@(?<revision>[\w./-]+))?$/;
/** The folder of a model on a hub. */
const HUB_FOLDER = /\/(?<name>[^/]+)\/resolve\/(?<revision>[^/]+)\/$/;
/** The ending of a checkpoint that is one file. */
const GGUF = /\.gguf$/i;
const COMMIT = /^[0-9a-f]{40}$/;
const LONGEST_NAME = 200;

/** Returns the folder of the model with a hub's id; `undefined` if the text is not an id but a URL. */
export function hubFolder(model: unknown, hub: URL): URL | undefined {
  const { owner, name, revision = "main" } = (typeof model === "string" && HUB_ID.exec(model)?.groups) || {};
  if (owner === undefined || name === undefined || GGUF.test(name)) return undefined;
  return new URL(`${owner}/${name}/resolve/${encodeURIComponent(revision)}/`, hub);
}

/** Whether a model's URL is that of a GGUF file. */
export function isGguf(model: string): boolean {
  return GGUF.test(new URL(model).pathname);
}

/** Returns the URL of a model's folder, and the name of its file in there if it is a GGUF file. */
export function parted(model: string): { readonly folder: string; readonly file?: string } {
  if (!isGguf(model)) return { folder: model };
  return { folder: new URL(".", model).href, file: decoded(new URL(model).pathname.split("/").at(-1) ?? "") };
}

/** Returns the model's name in its URL: that of the folder, or of the GGUF file without its ending. */
export function nameOf(model: string): string {
  const { pathname, hostname } = new URL(model);
  const parts = pathname.split("/");
  const last = isGguf(model) ? parts.at(-1)?.replace(GGUF, "") : (HUB_FOLDER.exec(pathname)?.groups?.["name"] ?? parts.at(-2));
  const name = last
    ? decoded(last)
        .replaceAll(/\p{Cc}/gu, "")
        .slice(0, LONGEST_NAME)
    : "";
  return name || hostname;
}

/** Returns the commit that a folder's URL names, if it names one. */
export function commitOf(folder: string): string | undefined {
  const revision = HUB_FOLDER.exec(new URL(folder).pathname)?.groups?.["revision"];
  return revision !== undefined && COMMIT.test(revision) ? revision : undefined;
}

/** Returns the folder at a commit that a hub has named, so that all files are of one revision; other folders stay as they are. */
export function atCommit(folder: string, commit: string | null): string {
  if (commit === null || !COMMIT.test(commit)) return folder;
  const url = new URL(folder);
  url.pathname = url.pathname.replace(HUB_FOLDER, `/$<name>/resolve/${commit}/`);
  return url.href;
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
