/** One file from a server: what can pass is tried again, and a cut transfer goes on where it broke. */

import { abortedBy, FelsicError, orAborted } from "../errors.js";
import type { Requests } from "./requests.js";
import { ATTEMPTS, backOff, isPassing, LEAST_RATE, Pace, retryAfter, SILENCE, sleep } from "./retry.js";

/** What is fetched, and from where on. */
export interface Wanted {
  readonly url: string;
  readonly requests: Requests;
  /** Bytes that are there already. */
  readonly at: number;
  /**
   * Of the whole file. `told` takes the server's word for it, if it gives one. The manifest, of which nobody tells, comes
   * as one piece: never from two answers.
   */
  readonly bytes?: number | "told" | undefined;
  readonly signal: AbortSignal;
  /** How the browser's own cache is used. */
  readonly mode: RequestCache;
  readonly attempts?: number;
}

/** Of a file that comes as one piece. What is longer is no manifest; an engine refuses it by its length. */
const MOST_WHOLE = 9 << 20;
/** The end of a file, as far as an answer tells. */
const END = Symbol("end");

/** A failure that may pass. */
class Passing extends Error {
  readonly wait: number | undefined;

  constructor(message: string, options?: ErrorOptions & { readonly wait?: number | undefined }) {
    super(message, options);
    this.wait = options?.wait;
  }
}

/** That a server does not give a file to whoever asks. Some say so of files that they do not have. */
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

/** Whether an answer is a page, as servers of single-page applications send it in the place of what does not exist. */
export function isPage({ headers }: Response): boolean {
  return /^\s*text\/html\b/i.test(headers.get("content-type") ?? "");
}

/** A server may call a file a page that is none, and the header of weights may begin with any byte. */
function startsAsPage(bytes: Uint8Array): boolean {
  return /^\s*<(!doctype html|html|head|!--|\?xml)/i.test(new TextDecoder().decode(bytes.subarray(0, 200)));
}

/** A download, read piece by piece. */
export class Download {
  readonly #wanted: Wanted;
  readonly #attempts: number;
  #bytes: number | undefined;
  /** The length that an answer tells, where it may be that of compressed bytes: it only hints that the answer ended early. */
  #hint: number | undefined;
  /** Which version of the file the server said to have, where nothing else would show that it is another. */
  #version: string | undefined;
  #headers = new Headers();
  #at: number;
  /** Ends the request that is open. */
  #request = new AbortController();
  #body: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>> | undefined;
  /** Bytes of the body that are there already, because it starts before them. */
  #skip = 0;
  /** Whether the server may be asked for a part of the file. */
  #ranges = true;
  /** In a row, without progress. */
  #failures = 0;
  readonly #pace = new Pace();
  #missing = false;
  /** Whether the answer says to be a page, and nothing has come of it yet. */
  #isPage = false;
  /** Where the body before ended as if it were whole. */
  #endedAt = -1;
  #ended: boolean;

  constructor(wanted: Wanted) {
    this.#wanted = wanted;
    this.#attempts = wanted.attempts ?? ATTEMPTS;
    this.#at = wanted.at;
    this.#bytes = typeof wanted.bytes === "number" ? wanted.bytes : undefined;
    this.#ended = this.#bytes !== undefined && wanted.at >= this.#bytes;
  }

  /** Of the whole file, as far as it is known. */
  get bytes(): number | undefined {
    return this.#bytes;
  }

  /** Of the last answer, as far as they may be seen. */
  get headers(): Headers {
    return this.#headers;
  }

  /** The next new bytes; nothing at the end, which may come too early or too late for the manifest's entry. */
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

  /** Lets go of the connection. */
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
      const piece = value.subarray(Math.min(this.#skip, value.length));
      this.#skip -= value.length - piece.length;
      if (piece.length === 0) continue;
      this.#at += piece.length;
      if (this.#pace.isProgress(piece.length)) this.#failures = 0;
      this.#missing = false;
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

  /** The next bytes of the body, if they come fast enough; nothing at its end. */
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

  /** A body that is too short was cut by someone on the way, or is all that the server has: if so it is so twice. */
  #bodyEnded(): typeof END {
    this.#body = undefined;
    const bytes = this.#bytes ?? this.#hint;
    if (bytes === undefined || this.#at >= bytes || this.#endedAt === this.#at) return END;
    this.#endedAt = this.#at;
    throw new Passing(`${this.#wanted.url} ended after ${this.#at} of ${bytes} bytes`);
  }

  /** Asks for what is still wanted; afterwards there is a body. */
  async #ask(): Promise<typeof END | undefined> {
    const { url, mode, requests } = this.#wanted;
    // The last attempt asks for everything: there are servers whose CORS rules refuse every request with a range.
    const last = this.#failures > 0 && this.#failures === this.#attempts - 1;
    const ranged = this.#at > 0 && this.#ranges && !last;
    const headers = new Headers(ranged ? [["range", `bytes=${this.#at}-`]] : []);
    this.#request = new AbortController();
    this.#pace.reconnect();
    const { signal } = this.#request;
    const response = await this.#timely(requests.fetch(url, { signal, cache: mode, headers }));
    if (response.status === 416 && ranged && this.#endedAt === this.#at) return END;
    if (!response.ok) throw await this.#refused(response, ranged);

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
    // A page in the place of a file with an entry may be another the next time, and is found by its hash.
    this.#isPage = typeof this.#wanted.bytes !== "number" && isPage(response);
    if (this.#wanted.bytes === "told") this.#told(response, start);
    this.#skip = this.#at - start;
    this.#body = response.body?.getReader();
    return this.#body ? undefined : this.#bodyEnded();
  }

  /** Notes what the server says of a file of which nobody else says anything. */
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

  /** The error for a status. */
  async #refused(response: Response, ranged: boolean): Promise<Error> {
    await response.body?.cancel().catch(() => {});
    const { url, requests } = this.#wanted;
    const { status } = response;
    if (status === 401 || status === 403) return new RefusedError(url, status, requests.advice);
    if (status === 404 || status === 410) {
      if (this.#missing) return new FelsicError("not-found", `${url} does not exist`);
      // A file that has just been put there may be missing on one of several servers for a moment.
      this.#missing = true;
      return new Passing(`${url} does not exist`);
    }
    if (status === 416 && ranged) {
      // The server's file ends before its entry says so. If it does so once more, the engine gets to see that.
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
    if (this.#pace.fail() || this.#failures >= this.#attempts) throw gaveUp(url, error, requests);
    const wait = (error instanceof Passing ? error.wait : undefined) ?? backOff(this.#failures);
    await sleep(wait, signal);
    this.#pace.wait(wait);
  }
}

/**
 * Whether the length that an answer tells is that of the file. Of a compressed answer it is not, and another origin's may be
 * compressed without letting that be seen.
 */
function tellsLength({ type, headers }: Response): boolean {
  const encoding = headers.get("content-encoding");
  return encoding === "identity" || (encoding === null && type === "basic");
}

/** What tells one version of a file from another. Servers mark the tag of a compressed answer, which says nothing here. */
function versionOf(headers: Headers): string | undefined {
  const tag = headers
    .get("etag")
    ?.replace(/^W\//, "")
    .replace(/[-;:](gzip|br|zstd)"$/, '"');
  return tag ?? headers.get("last-modified") ?? undefined;
}

/** Where the bytes of a partial answer start; where that is hidden it is taken to be what was asked for. */
function startOf(response: Response, asked: number): number {
  const start = /^bytes (\d+)-/.exec(response.headers.get("content-range") ?? "")?.[1];
  return start === undefined ? asked : Number(start);
}

/** Pieces end to end. */
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
