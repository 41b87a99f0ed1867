/** What callers pass in and get back, and the checks that need no engine. */

import { FelsicError } from "./errors.js";
import { isOrigin } from "./origins.js";
import { absolute, cacheFolder } from "./platform.js";
import { pinnedHash } from "./store/names.js";
import type { Access } from "./store/requests.js";
import type { Warning } from "./store/warning.js";
import type { EngineOptions, LoadProgress } from "./types.js";

/**
 * Where the model runs. `auto` is the CPU, and for large batches the GPU, once it has been shown on this machine that its vectors are the CPU's and
 * that it is faster. With `webgpu`, `create()` rejects if there is no GPU that reproduces the pack's self-test.
 */
export type Device = "auto" | "cpu" | "webgpu";

/**
 * Which of the CPU's binaries runs: `plain` runs everywhere; `relaxed` (relaxed SIMD) is faster and needs a processor that multiplies
 * bytes exactly; `auto` finds out. The vectors are bit-for-bit identical with both.
 */
export type Simd = "auto" | "plain" | "relaxed";

/** Whether files of packs are stored on the user's machine: wherever the browser can do that (`auto`), or never (`none`). */
export type CacheMode = "auto" | "none";

/** What a vector is for, in the words of the browsers' SemanticEmbedder proposal. */
export type TaskType = "semantic-similarity" | "retrieval-query" | "retrieval-document" | "classification" | "clustering";

/**
 * When the vocabulary table is fetched, which is most of a pack. Its rows are in groups, by script and by frequency.
 *
 * - `background`: once `create()` is done, one group after another. From a host that also serves the page or felsic's scripts, the
 *   groups that texts need come first. Any other host learns nothing about the texts: the order depends only on the browser's
 *   languages, and a text waits until its groups have had their turn;
 * - `all`: everything before `create()` is done, in the order in which it is stored;
 * - `none`: only what texts need, which reveals those groups to the host.
 */
export type Prefetch = "background" | "all" | "none";

/** Which calls are computed first. */
export type Priority = "high" | "normal";

/** How the files of a pack reach the engine. */
export interface Delivery {
  /** The URLs of the files by their names, where they are not beside each other. */
  readonly urls?: Readonly<Record<string, string>>;
  /** The files themselves, by their names, if the caller has them. */
  readonly files?: Readonly<Record<string, Blob>>;
  readonly integrity?: string;
  readonly cache: CacheMode;
  readonly access: Access;
  /** Origins that may be asked besides the page's; all, if it is not there. */
  readonly allowedOrigins?: readonly string[];
}

/** Progress of a call with several texts. */
export interface EmbedProgress {
  /** Texts that have their vector. */
  readonly done: number;
  /** Texts of the call. */
  readonly total: number;
}

/** Options of {@link Embedder.create}. */
export interface CreateOptions {
  /**
   * The model: the URL of a pack's folder, relative to the page or absolute; the URL of a checkpoint's folder, or of a GGUF file
   * (`.gguf`), from which a pack is then made and stored; or the id of a model on a hub, `owner/name` or `owner/name@revision`. A relative URL that looks like an
   * id must start with `./` or end with `/`. Default: the built-in model, a small English one that comes with the package.
   */
  readonly model?: string | URL;
  /**
   * The pack itself, in place of `model`: all files of its folder, by their names there, such as a user has picked them
   * (`<input type="file" webkitdirectory>`) or as an app keeps them. Nothing is fetched for the model then, and nothing is stored. The files are checked
   * against the manifest like fetched ones. They are read while the embedder is in use, so they have to stay as they are.
   */
  readonly files?: Readonly<Record<string, Blob>>;
  /**
   * Who computes: `own`, the default, is an engine of this page. With `extension` the embedder of felsic's browser extension is used, if
   * the user has it and allows this site; otherwise the page's own. Both have the built-in model, and the same vectors, so neither
   * `model` nor `files` may be given.
   */
  readonly provider?: "own" | "extension";
  /** URL of the hub for models with an id. Default: the Hugging Face hub. */
  readonly hub?: string | URL;
  /** Where the model runs. Default `auto`. */
  readonly device?: Device;
  /** Which CPU binary runs. Default `auto`, which is `plain` if `wasmUrl` names a file. Ignored with a `workerUrl` and on a GPU. */
  readonly simd?: Simd;
  /**
   * Number of workers that share the texts of a call, on the CPU: the engine's own, and helpers that hold only the layers.
   * `auto`, the default, is half of the machine's threads, but 2 on two threads, and at most 4. Helpers start with the first call
   * that has several texts, or with `warmUp()`. The vectors are bit-for-bit identical with any number.
   */
  readonly workers?: number | "auto";
  /**
   * The manifest's SHA-256 in the form of a script's `integrity`: `sha256-` and base64. The manifest holds the hashes of all
   * other files, so this pins the whole pack. A stored pack is then loaded without a request.
   */
  readonly integrity?: string;
  /** Whether the pack is stored. Default `auto`. With `none`, nothing is stored and nothing stored is used. */
  readonly cache?: CacheMode;
  /**
   * In Node, the folder that packs are kept in: a path or a `file:` URL. Default: the folder `felsic` in the user's folder for caches
   * (`$XDG_CACHE_HOME` or `~/.cache`, `~/Library/Caches` on macOS, `%LOCALAPPDATA%` on Windows). Browsers choose the place themselves and
   * ignore this option.
   */
  readonly cacheDirectory?: string | URL;
  /**
   * Whether requests for the model's files carry the user's cookies and logins, as with `fetch`. Default `omit`: a server
   * that asks for a login then causes an error, where the browser would otherwise ask the user for a password.
   */
  readonly credentials?: RequestCredentials;
  /**
   * Headers of the requests for the model's files, for a host that wants a token: `{ authorization: "Bearer …" }`. They are
   * sent to the origin of `model` (or `hub`) alone, never stored, and never quoted in a message. A redirect to another origin is
   * followed without `authorization`, which browsers remove (Chrome since version 119). With any other header, redirects are not
   * followed, since browsers would send the header along. A host of another origin must allow the headers' names by CORS.
   */
  readonly headers?: Readonly<Record<string, string>>;
  /** When the vocabulary table is fetched. Default `background`. */
  readonly prefetch?: Prefetch;
  /**
   * The only origins, besides the page's own, that workers make requests to, such as `https://cdn.example.org`,
   * `http://localhost:*` for any port, or `https:` for every origin with that scheme. A page's content security policy does not bind
   * its workers unless the server also sends it with their scripts; this option is for pages whose server cannot. An answer that
   * was redirected to another origin is not used.
   */
  readonly allowedOrigins?: readonly string[];
  /** Called when something goes wrong that does not stop the load, such as a lack of room for the pack. */
  readonly onWarning?: (warning: Warning) => void;
  /** Called with the progress of the load, also while the vocabulary table is loaded in the background. */
  readonly onProgress?: (progress: LoadProgress) => void;
  /** Called with a target that fires `downloadprogress`, whose `loaded` goes from 0 to 1, as in the browsers' proposal. */
  readonly monitor?: (target: EventTarget) => void;
  /** Aborts the load: the worker ends, and nothing half-loaded stays in memory. */
  readonly signal?: AbortSignal;
  /**
   * URL of the folder that the files of the package's `dist` are served from, where a bundler does not find them: workers, binaries
   * and the built-in model. From another origin than the page's, workers are started through a Blob that imports them.
   */
  readonly baseUrl?: string | URL;
  /** URL of the engine's worker script alone. Its binary is expected beside it, unless `wasmUrl` names one. */
  readonly workerUrl?: string | URL;
  /** URL of the engine's binary alone. */
  readonly wasmUrl?: string | URL;
}

/** Which model is meant; `baseUrl` locates the built-in one, `cacheDirectory` what is kept of it. */
export type ModelOptions = Pick<CreateOptions, "model" | "hub" | "baseUrl" | "cacheDirectory">;

/** Options that say how a text is read. */
export interface TextOptions {
  /** Puts the pack's prompt for this task before each text, if the pack has one. */
  readonly taskType?: TaskType;
  /** Name of the pack's prompt to put before each text; takes precedence over `taskType`. */
  readonly prompt?: string;
  /** Strips white space at both ends of a text, as sentence-transformers did up to version 5.3; later versions keep it. Default `true`. */
  readonly strip?: boolean;
  /** Aborts the call. */
  readonly signal?: AbortSignal;
}

/** Options of {@link Embedder.embed}. */
export interface EmbedOptions extends TextOptions {
  /** Number of leading components to keep; the shorter vector is normalised again. */
  readonly dimensions?: number;
  /**
   * Whether the call goes ahead of calls with normal priority, even of one under way: between two of its batches.
   * Default `high` for a single text, such as a query, and `normal` for an array.
   */
  readonly priority?: Priority;
  /** Called when further texts have their vector. */
  readonly onProgress?: (progress: EmbedProgress) => void;
}

/** A text's vector, and how much of the text the model read. */
export interface Embedding {
  /** The vector, of unit length. */
  readonly vector: Float32Array<ArrayBuffer>;
  /** Number of tokens that the model read, special tokens included. */
  readonly tokens: number;
  /** Whether the text was longer than the model reads, so that its end was left out. */
  readonly truncated: boolean;
}

/** Names that packs give to the prompt of a task; compared without case, `_` and `-` alike. */
const PROMPT_NAMES: Readonly<Record<TaskType, readonly string[]>> = {
  "semantic-similarity": ["semantic-similarity", "similarity", "sts"],
  "retrieval-query": ["retrieval-query", "query", "search-query"],
  "retrieval-document": ["retrieval-document", "document", "passage", "search-document"],
  classification: ["classification"],
  clustering: ["clustering"],
};

const MOST_WORKERS = 64;
const DEVICES: readonly unknown[] = ["auto", "cpu", "webgpu"];
const SIMD: readonly unknown[] = ["auto", "plain", "relaxed"];
const CACHE_MODES: readonly unknown[] = ["auto", "none"];
const PRIORITIES: readonly unknown[] = ["high", "normal"];
const CREDENTIALS: readonly unknown[] = ["omit", "same-origin", "include"];
const PREFETCH: readonly unknown[] = ["background", "all", "none"];

/** The names of all options that are there, as a type that lacks none. */
export type Names<Options> = Readonly<Record<keyof Options, true>>;

/** What `create()` takes; `availability()` and `deleteCache()` read a part of it, and may be given all of it. */
const CREATE_OPTIONS: Names<CreateOptions> = {
  model: true,
  files: true,
  provider: true,
  hub: true,
  device: true,
  simd: true,
  workers: true,
  integrity: true,
  cache: true,
  cacheDirectory: true,
  credentials: true,
  headers: true,
  prefetch: true,
  allowedOrigins: true,
  onWarning: true,
  onProgress: true,
  monitor: true,
  signal: true,
  baseUrl: true,
  workerUrl: true,
  wasmUrl: true,
};

/** What `embed()` takes; `tokenize()` and `countTokens()` read a part of it, and may be given all of it. */
const EMBED_OPTIONS: Names<EmbedOptions> = {
  dimensions: true,
  taskType: true,
  prompt: true,
  strip: true,
  priority: true,
  onProgress: true,
  signal: true,
};

/** Checks that the options of {@link CreateOptions} are an object and have no name that means nothing. */
export function checkCreateOptions(options: unknown): void {
  checkNames(options, CREATE_OPTIONS);
}

/**
 * Checks that a value is an object and has only known names; messages say `what` has the names, and what they are. A misspelt option
 * must not pass for one that was left out: without `model` there is the built-in model.
 */
export function checkNames(
  value: unknown,
  known: Readonly<Record<string, true>>,
  { what, name } = { what: "options", name: "option" },
): asserts value is object {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalid(`${what} must be an object, not ${Array.isArray(value) ? "an array" : kind(value)}`);
  }
  const unknown = Object.keys(value).find((name) => !Object.hasOwn(known, name));
  if (unknown === undefined) return;
  throw invalid(`unknown ${name} ${JSON.stringify(unknown)}; the ${name}s are ${Object.keys(known).join(", ")}`);
}

/** An `input-invalid` error. */
export function invalid(message: string): FelsicError {
  return new FelsicError("input-invalid", message);
}

/** The engine's options for a call, checked. */
export function engineOptions(options: EmbedOptions, prompts: readonly string[]): EngineOptions {
  checkNames(options, EMBED_OPTIONS);
  const { dimensions, taskType, prompt, strip } = options;
  if (dimensions !== undefined && !(Number.isInteger(dimensions) && dimensions >= 1)) {
    throw invalid(`dimensions is ${String(dimensions)}; it must be a whole number of at least 1`);
  }
  if (strip !== undefined && typeof strip !== "boolean") throw invalid("strip must be true or false");
  if (prompt !== undefined && typeof prompt !== "string") throw invalid("prompt must be a string");
  const chosen = prompt ?? promptFor(taskType, prompts);
  return {
    ...(dimensions !== undefined && { dimensions }),
    ...(strip !== undefined && { strip }),
    ...(chosen !== undefined && { prompt: chosen }),
  };
}

/** The pack's prompt that serves a task, if it has one. */
function promptFor(taskType: TaskType | undefined, prompts: readonly string[]): string | undefined {
  if (taskType === undefined) return undefined;
  if (!Object.hasOwn(PROMPT_NAMES, taskType)) {
    throw invalid(`taskType is ${String(taskType)}; use one of ${Object.keys(PROMPT_NAMES).join(", ")}`);
  }
  const plain = (name: string) => name.toLowerCase().replaceAll("_", "-");
  for (const wanted of PROMPT_NAMES[taskType]) {
    const found = prompts.find((name) => plain(name) === wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A text, checked. */
export function checkedText(text: unknown): string {
  if (typeof text !== "string") throw invalid(`a text must be a string, not ${kind(text)}`);
  return text;
}

/** Texts, checked, as an array of their own: what the caller does to theirs later changes nothing. */
export function checkedTexts(texts: readonly unknown[]): string[] {
  return Array.from(texts, (text, index) => {
    if (typeof text !== "string") throw invalid(`text ${index} must be a string, not ${kind(text)}`);
    return text;
  });
}

/** A device, checked. */
export function checkedDevice(device: unknown = "auto"): Device {
  if (!DEVICES.includes(device)) throw invalid(`device is ${String(device)}; use "auto", "cpu" or "webgpu"`);
  return device as Device;
}

/** Who computes, checked. */
export function checkedProvider({
  provider = "own",
  model,
  files,
}: Pick<CreateOptions, "provider" | "model" | "files">): "own" | "extension" {
  if (provider !== "own" && provider !== "extension") throw invalid(`provider is ${String(provider)}; use "own" or "extension"`);
  if (provider === "extension" && (model ?? files) !== undefined)
    throw invalid("the extension gives pages the built-in model alone: leave out model and files, or provider");
  return provider;
}

/** A choice of the CPU's binary, checked. */
export function checkedSimd(simd: unknown = "auto"): Simd {
  if (!SIMD.includes(simd)) throw invalid(`simd is ${String(simd)}; use "auto", "plain" or "relaxed"`);
  return simd as Simd;
}

/** How a pack is delivered, checked. */
export function checkedDelivery(
  options: Pick<CreateOptions, "integrity" | "cache" | "credentials" | "headers" | "allowedOrigins">,
): Delivery {
  const { integrity, cache = "auto", credentials = "omit", headers, allowedOrigins } = options;
  if (integrity !== undefined && (typeof integrity !== "string" || pinnedHash(integrity) === undefined)) {
    throw invalid(`integrity is ${String(integrity)}; it must be "sha256-" and a hash of 32 bytes in base64`);
  }
  if (!CACHE_MODES.includes(cache)) throw invalid(`cache is ${String(cache)}; use "auto" or "none"`);
  if (!CREDENTIALS.includes(credentials)) {
    throw invalid(`credentials is ${String(credentials)}; use "omit", "same-origin" or "include"`);
  }
  if (allowedOrigins !== undefined && !(Array.isArray(allowedOrigins) && allowedOrigins.every(isOrigin))) {
    throw invalid(`allowedOrigins is ${String(allowedOrigins)}; it must be a list of origins such as "https://example.org"`);
  }
  return {
    cache: cache as CacheMode,
    access: {
      credentials: credentials as RequestCredentials,
      ...(headers !== undefined && { headers: checkedHeaders(headers) }),
    },
    ...(integrity !== undefined && { integrity }),
    ...(allowedOrigins !== undefined && { allowedOrigins: [...allowedOrigins] }),
  };
}

/** A pack's files, checked, as an object of their own; `undefined` without them. */
export function checkedFiles({ files, model }: Pick<CreateOptions, "files" | "model">): CreateOptions["files"] {
  if (files === undefined) return undefined;
  if (model !== undefined) throw invalid("files are the model: leave out model or files");
  const isRecord = typeof files === "object" && files !== null && !Array.isArray(files);
  if (!isRecord || !Object.values(files).every((file: unknown) => file instanceof Blob))
    throw invalid("files must be an object of files (Blob) by their names in the pack's folder");
  return { ...files };
}

/** Headers, checked, as an object of their own. Their values are secrets, which no message may tell. */
function checkedHeaders(headers: unknown): Record<string, string> {
  const given = headers instanceof Headers ? Object.fromEntries(headers) : headers;
  const isRecord = typeof given === "object" && given !== null && !Array.isArray(given);
  if (!isRecord || !Object.values(given).every((value) => typeof value === "string")) {
    throw invalid('headers must be an object of strings such as { authorization: "Bearer …" }');
  }
  const checked = readHeaders(given as Record<string, string>);
  const names = Object.keys(checked);
  if (names.includes("range")) throw invalid("headers must not have range: felsic itself asks for parts of files");
  // What a page may not send is otherwise left out without a word.
  const sent = new Request("https://felsic.invalid/", { headers: checked }).headers;
  const unsent = names.filter((name) => !sent.has(name));
  if (unsent.length === 0) return checked;
  throw invalid(`browsers let no page send the header ${unsent.join(", ")}; for cookies there is credentials: "include"`);
}

function readHeaders(headers: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(new Headers(headers));
  } catch {
    throw invalid(`headers has a name or a value that HTTP does not allow; its names are ${Object.keys(headers).join(", ")}`);
  }
}

/** When the table is fetched, checked. */
export function checkedPrefetch(prefetch: unknown = "background"): Prefetch {
  if (!PREFETCH.includes(prefetch)) throw invalid(`prefetch is ${String(prefetch)}; use "background", "all" or "none"`);
  return prefetch as Prefetch;
}

/** A priority, checked. */
export function checkedPriority(priority: unknown): Priority {
  if (!PRIORITIES.includes(priority)) throw invalid(`priority is ${String(priority)}; use "high" or "normal"`);
  return priority as Priority;
}

/** A number of workers, checked. */
export function checkedWorkers(workers: unknown = "auto"): number | "auto" {
  if (workers === "auto") return workers;
  if (typeof workers === "number" && Number.isInteger(workers) && workers >= 1 && workers <= MOST_WORKERS) return workers;
  throw invalid(`workers is ${String(workers)}; use "auto" or a whole number from 1 to ${MOST_WORKERS}`);
}

/** A URL made absolute: against the page; in Node, where it may also be a path, against the working directory. */
export function absoluteUrl(value: unknown, name: string): URL {
  if (typeof value === "string" || value instanceof URL) {
    try {
      return absolute(value);
    } catch {
      throw invalid(`${name} is not a URL: ${String(value)}`);
    }
  }
  throw invalid(`${name} must be a URL, not ${kind(value)}`);
}

/** Makes a URL that of a folder: its path ends in a slash. */
export function asFolder(url: URL): URL {
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return url;
}

/** The folder that packs are kept in, checked; browsers choose it themselves. */
export function checkedCacheFolder(value: unknown): string | undefined {
  if (value === undefined || typeof value === "string" || value instanceof URL) return cacheFolder(value);
  throw invalid(`cacheDirectory must be a path or a file: URL, not ${kind(value)}`);
}

/** What a value is, in a word. */
export function kind(value: unknown): string {
  return value === null ? "null" : typeof value;
}
