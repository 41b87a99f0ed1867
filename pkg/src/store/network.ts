/** Downloads one file: retries failures that may pass, and resumes an interrupted transfer where it stopped. */

import { abortedBy, FelsicError, orAborted } from "../errors.js";
import { isLocal } from "../origins.js";
import type { Requests } from "./requests.js";
import { ATTEMPTS, backOff, isPassing, LEAST_RATE, Pace, PART_ATTEMPTS, retryAfter, SILENCE, sleep } from "./retry.js";

/** What is fetched, and from which byte on. */
export interface Wanted {
  readonly url: string;
  readonly requests: Requests;
  /** The number of bytes that are there already. */
  readonly at: number;
  /**
   * The length of the whole file. `told` uses the server's `Content-Length`, if there is one. Absent for the manifest, whose length
   * is unknown and which comes in one piece: never from two answers.
   */
  readonly bytes?: number | "told" | undefined;
  /** Whether the file goes on after `bytes`. A server that cannot send a part alone is a {@link NoRangesError}. */
  readonly isPart?: boolean;
  readonly signal: AbortSignal;
  /** How the browser's own cache is used. */
  readonly mode: RequestCache;
  readonly attempts?: number;
}

/** The longest file that comes in one piece. A longer one is not a manifest; an engine refuses it by its length. */
const MOST_WHOLE = 9 << 20;
/** The end of a file, if an answer tells it. */
const END = Symbol("end");

/** A failure that may pass. */
class Passing extends Error {
  readonly wait: number | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly wait?: number | undefined }) {
    super(message, options);
    this.wait = options?.wait;
  }
}

/** The error that a server sends whole files only. */
export class NoRangesError extends FelsicError {
  constructor(url: string) {
    super("network", `the server of ${url} sends no parts of files`);
  }
}

/** The error that a server refuses a file. Some servers answer so for files that they do not have. */
class RefusedError extends FelsicError {
  constructor(url: string, status: number, advice: string) {
    const reason = "the model is private or gated, or there is no such file";
    super("network", `${url} was refused with HTTP status ${status}: ${reason}; ${advice}`);
  }
}

/** Whether an error may mean that there is no such file. */
export function mayBeMissing(error: unknown): boolean {
  return error instanceof RefusedError || (error instanceof FelsicError && error.code === "not-found");
}

/** Whether an answer is a page, which servers of single-page applications send in place of a missing file. */
export function isPage({ headers }: Response): boolean {
  return /^\s*text\/html\b/i.test(headers.get("content-type") ?? "");
}

/** Whether a file begins like a page: a server may label another file as one, and the header of weights may begin with any byte. */
function startsAsPage(bytes: Uint8Array): boolean {
  return /^\s*<(!doctype html|html|head|!--|\?xml)/i.test(new TextDecoder().decode(bytes.subarray(0, 200)));
}

/** A download, read piece by piece. */
export class Download {
  readonly #wanted: Wanted;
  readonly #attempts: number;
  #bytes: number | undefined;
  /** The length in an answer, if it may be that of compressed bytes: it only hints that the answer ended early. */
  #hint: number | undefined;
  /** The version of the file that the server reported, if nothing else would show a change. */
  #version: string | undefined;
  #headers = new Headers();
  #at: number;
  /** Ends the request that is open. */
  #request = new AbortController();
  #body: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  /** The number of bytes to skip in the body, because it starts before the wanted ones. */
  #skip = 0;
  /** Whether a part of the file may be requested from the server. */
  #ranges = true;
  /** The number of failures in a row without progress. */
  #failures = 0;
  readonly #pace = new Pace();
  #missing = false;
  /** Whether the answer claims to be a page, and none of it has arrived yet. */
  #isPage = false;
  /** Where the previous body ended as if it were whole. */
  #endedAt = -1;
  #ended: boolean;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
    this.#attempts = wanted.attempts ?? (wanted.isPart ? PART_ATTEMPTS : ATTEMPTS);
    this.#at = wanted.at;
    this.#bytes = typeof wanted.bytes === "number" ? wanted.bytes : undefined;
    this.#ended = this.#bytes !== undefined && wanted.at >= this.#bytes;
  }

  /** The length of the whole file, if it is known. */
  get bytes(): number | undefined {
    return this.#bytes;
  }

  /** The headers of the last answer, as far as the browser shows them. */
  get headers(): Headers {
    return this.#headers;
  }

  /** Returns the next new bytes; `undefined` at the end, which may come too early or too late for the manifest's entry. */
  async read(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { signal } = this.#wanted;
    while (!this.#ended) {
      if (signal.aborted) throw abortedBy(signal);
      try {
        const piece = await this.#step();
        if (piece === END) break;
        return piece;
      } catch (error) {
        await this.#recover(error);
      }
    }
    this.#ended = true;
    return undefined;
  }

  /** Closes the connection. */
  async cancel(): Promise<void> {
    this.#ended = true;
    await this.#drop();
  }

  async #drop(): Promise<void> {
    const body = this.#body;
    this.#body = undefined;
    await body?.cancel().catch(() => {});
    this.#request.abort();
  }

  async #step(): Promise<Uint8Array<ArrayBuffer> | typeof END> {
    if (!this.#body && (await this.#ask()) === END) return END;
    if (this.#wanted.bytes === undefined) return this.#whole();
    for (;;) {
      const value = await this.#receive();
      if (!value) return this.#bodyEnded();
      let piece = value.subarray(Math.min(this.#skip, value.length));
      this.#skip -= value.length - piece.length;
      if (piece.length === 0) continue;
      if (this.#wanted.isPart) piece = piece.subarray(0, this.#bytes! - this.#at);
      this.#at += piece.length;
      if (this.#pace.isProgress(piece.length)) this.#failures = 0;
      this.#missing = false;
      // The rest of a part that is longer than requested is not read.
      if (this.#wanted.isPart && this.#at >= this.#bytes!) await this.cancel();
      return piece;
    }
  }

  async #whole(): Promise<Uint8Array<ArrayBuffer>> {
    const pieces: Uint8Array<ArrayBuffer>[] = [];
    for (let length = 0; length < MOST_WHOLE;) {
      const value = await this.#receive();
      if (!value) break;
      pieces.push(value);
      length += value.length;
    }
    await this.#drop();
    this.#ended = true;
    return joined(pieces);
  }

  /** Returns the next bytes of the body, if they arrive fast enough; `undefined` at its end. */
  async #receive(): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { value } = await this.#timely(this.#body!.read());
    if (this.#isPage && value && value.length > 0) {
      this.#isPage = false;
      if (startsAsPage(value)) {
        throw new FelsicError("not-found", `${this.#wanted.url} does not exist: the server sent a page in its place`);
      }
    }
    if (value && this.#pace.isSlow(value.length)) {
      throw new Passing(`${this.#wanted.url} sent less than ${LEAST_RATE} bytes a second`);
    }
    return value;
  }

  /** Handles a body that is too short: it was cut on the way, or the server has no more; then it ends at the same byte twice. */
  #bodyEnded(): typeof END {
    this.#body = undefined;
    const bytes = this.#bytes ?? this.#hint;
    if (bytes === undefined || this.#at >= bytes || this.#endedAt === this.#at) return END;
    this.#endedAt = this.#at;
    throw new Passing(`${this.#wanted.url} ended after ${this.#at} of ${bytes} bytes`);
  }

  /** Requests the bytes that are still wanted; afterwards there is a body. */
  async #ask(): Promise<typeof END | undefined> {
    const { url, mode, requests } = this.#wanted;
    // The last attempt requests everything: the CORS rules of some servers refuse every request with a range.
    const last = this.#failures > 0 && this.#failures === this.#attempts - 1;
    const { isPart = false } = this.#wanted;
    const ranged = isPart || (this.#at > 0 && this.#ranges && !last);
    const headers = new Headers(ranged ? [["range", `bytes=${this.#at}-${isPart ? this.#bytes! - 1 : ""}`]] : []);
    this.#request = new AbortController();
    this.#pace.reconnect();
    const { signal } = this.#request;
    const response = await this.#timely(requests.fetch(url, { signal, cache: mode, headers }));
    if (response.status === 416 && ranged && this.#endedAt === this.#at) return END;
    if (!response.ok) throw await this.#refused(response, ranged);

    if (isPart && !(await this.#isPartial(response))) throw new NoRangesError(url);

    // Ranges count the bytes that are sent, not those that are read. The header may be hidden from other origins:
    // then wrong bytes are found by their hash.
    const encoding = response.headers.get("content-encoding");
    if (encoding !== null && encoding !== "identity") this.#ranges = false;
    const start = response.status === 206 ? startOf(response, this.#at) : 0;
    if (start > this.#at || (response.status === 206 && !this.#ranges)) {
      this.#ranges = false;
      await response.body?.cancel().catch(() => {});
      throw new Passing(`${url} answered with a different part of the file`);
    }
    // A page in place of a file with an entry may be gone the next time; otherwise its hash shows it.
    this.#isPage = typeof this.#wanted.bytes !== "number" && isPage(response);
    if (this.#wanted.bytes === "told") this.#told(response, start);
    this.#skip = this.#at - start;
    this.#body = response.body?.getReader();
    return this.#body ? undefined : this.#bodyEnded();
  }

  /** Whether an answer is the part that was requested; ends one that is not. */
  async #isPartial(response: Response): Promise<boolean> {
    const encoding = response.headers.get("content-encoding") ?? "identity";
    if (response.status === 206 && encoding === "identity" && startOf(response, this.#at) === this.#at) return true;
    await response.body?.cancel().catch(() => {});
    return false;
  }

  /** Notes what the server reports about a file that no manifest lists. */
  #told(response: Response, start: number): void {
    const { url } = this.#wanted;
    const { headers } = response;
    const version = versionOf(headers);
    if (this.#version !== undefined && this.#version !== version) {
      throw new FelsicError("network", `${url} changed while it was being fetched; try again`);
    }
    this.#headers = headers;
    this.#version = version;
    const length = headers.get("content-length");
    if (!this.#ranges || length === null) return;
    if (tellsLength(response)) this.#bytes ??= start + Number(length);
    else this.#hint ??= start + Number(length);
  }

  /** Waits for the network, but not for ever, and not once the signal has aborted. */
  async #timely<T>(work: Promise<T>): Promise<T> {
    const begin = performance.now();
    try {
      return await this.#unlessSilent(work);
    } finally {
      this.#pace.wait(performance.now() - begin);
    }
  }

  async #unlessSilent<T>(work: Promise<T>): Promise<T> {
    const { signal, url } = this.#wanted;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Passing(`${url} sent nothing for ${SILENCE / 1000} seconds`)), SILENCE);
    });
    try {
      return await orAborted(Promise.race([work, silence]), signal);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Returns the error for a status. */
  async #refused(response: Response, ranged: boolean): Promise<Error> {
    await response.body?.cancel().catch(() => {});
    const { url, requests } = this.#wanted;
    const { status } = response;
    if (isLocal(url) && status === 403) return new FelsicError("io", `${url} cannot be read: ${response.statusText}`);
    if (status === 401 || status === 403) return new RefusedError(url, status, requests.advice);
    if (status === 404 || status === 410) {
      if (this.#missing) return new FelsicError("not-found", `${url} does not exist`);
      // A file that has just been uploaded may be missing on one of several servers for a moment.
      this.#missing = true;
      return new Passing(`${url} does not exist`);
    }
    if (status === 416 && ranged) {
      // The server's file ends before the length of its entry. If it does so again, the engine receives it as it is.
      this.#endedAt = this.#at;
      return new Passing(`${url} has no more bytes`);
    }
    const message = `${url} answered with HTTP status ${status}`;
    if (!isPassing(status)) return new FelsicError("network", message);
    return new Passing(message, { wait: retryAfter(response.headers.get("retry-after")) });
  }

  /** Waits for the next attempt, or rejects if there is none. */
  async #recover(error: unknown): Promise<void> {
    const { signal, requests, url } = this.#wanted;
    await this.#drop();
    if (signal.aborted) throw abortedBy(signal);
    if (error instanceof FelsicError) throw error;
    if (this.#bytes !== undefined && this.#at >= this.#bytes) {
      this.#ended = true;
      return;
    }
    this.#failures += 1;
    if (this.#pace.fail() || this.#failures >= this.#attempts) {
      // Browsers do not tell which: CORS rules that refuse ranges, a compressed part, or no connection.
      if (this.#wanted.isPart && !(error instanceof Passing)) throw new NoRangesError(url);
      throw gaveUp(url, error, requests);
    }
    const wait = (error instanceof Passing ? error.wait : undefined) ?? backOff(this.#failures);
    await sleep(wait, signal);
    this.#pace.wait(wait);
  }
}

/**
 * Whether the length in an answer is that of the file. For a compressed answer it is not, and an answer from another origin may be
 * compressed without showing it.
 */
function tellsLength({ type, headers }: Response): boolean {
  const encoding = headers.get("content-encoding");
  return encoding === "identity" || (encoding === null && type === "basic");
}

/** Returns what distinguishes versions of a file. Servers mark the tag of a compressed answer; the mark is removed. */
function versionOf(headers: Headers): string | undefined {
  const tag = headers
    .get("etag")
    ?.replace(/^W\//, "")
    .replace(/[-;:](gzip|br|zstd)"$/, '"');
  return tag ?? headers.get("last-modified") ?? undefined;
}

/** Returns where the bytes of a partial answer start; if that is hidden, the requested start. */
function startOf(response: Response, asked: number): number {
  const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  return start === undefined ? asked : Number(start);
}

/** Joins pieces end to end. */
export function joined(pieces: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

function gaveUp(url: string, cause: unknown, requests: Requests): FelsicError {
  if (cause instanceof Passing) return new FelsicError("network", cause.message);
  const message = `${url} could not be fetched; check the URL, the connection and the server's CORS headers${requests.corsFor(url)}`;
  return new FelsicError("network", message, { cause });
}
