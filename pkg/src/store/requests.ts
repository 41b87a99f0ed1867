/** The requests for a model's files: what is sent with them, and to which host. */

import { FelsicError } from "../errors.js";
import { fetchAllowed } from "../origins.js";

/** What is sent with the requests for a model's files. */
export interface Access {
  /** Whether the user's cookies and logins are sent. */
  readonly credentials: RequestCredentials;
  /** Headers such as a token, sent only to the origin of the model's URL. Secrets: no message may contain their values. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** The header that `fetch` removes by itself if a redirect leads to another origin. */
const TAKEN_OFF = "authorization";

/** Requests the files of one model. */
export class Requests {
  readonly #origin: string;
  readonly #credentials: RequestCredentials;
  /** The headers, by their names in lower case. */
  readonly #headers: ReadonlyMap<string, string>;

  /** `model` is the URL of its folder. */
  constructor(model: string, { credentials, headers }: Access) {
    this.#origin = new URL(model).origin;
    this.#credentials = credentials;
    this.#headers = new Map(new Headers(headers));
  }

  /**
   * Calls `fetch` with the caller's headers and credentials. A redirect is not followed if one of the headers would reach the
   * origin that it leads to: only the browser knows that origin, and it does not report it before the request.
   */
  async fetch(url: string, { headers, ...init }: RequestInit): Promise<Response> {
    const own = this.#headersFor(url);
    const sent = new Headers([...own]);
    for (const [name, value] of new Headers(headers)) sent.set(name, value);
    const staying = [...own.keys()].filter((name) => name !== TAKEN_OFF);
    const redirect = staying.length > 0 ? "manual" : "follow";
    const response = await fetchAllowed(url, { ...init, credentials: this.#credentials, headers: sent, redirect });
    if (response.type !== "opaqueredirect") return response;
    const todo = "give the URL that it redirects to, or a token as authorization, which browsers do not send to another origin";
    throw new FelsicError("network", `${url} redirects, and ${staying.join(", ")} of create()'s headers would go along; ${todo}`);
  }

  /** Says what the caller of `create()` can do about a refusal. */
  get advice(): string {
    const names = [...this.#headers.keys()].join(", ");
    if (names) return `create()'s headers do not suffice (${names})`;
    if (this.#credentials !== "omit")
      return "the user's login does not suffice; for a host that wants a token there are create()'s headers";
    return "give a token with create()'s headers, or ask for the user's login with its credentials";
  }

  /** Says what a server has to allow for these requests, beyond what it has to allow for requests of other pages. */
  corsFor(url: string): string {
    const names = [...this.#headersFor(url).keys()];
    if (names.length === 0 || this.#origin === globalThis.location?.origin) return "";
    return `, which must allow the headers ${names.join(", ")}`;
  }

  #headersFor(url: string): ReadonlyMap<string, string> {
    return new URL(url).origin === this.#origin ? this.#headers : new Map();
  }
}
