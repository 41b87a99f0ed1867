/** The body of the search worker: answers the page's requests with one open collection. */

import { describe, type ErrorMessage, FelsicError, knownError } from "../errors.js";
import type { Warning } from "../store/warning.js";
import { startWasm } from "../wasm.js";
import { Batches } from "./batches.js";
import { clustersOf } from "./clusters.js";
import { Completion } from "./complete.js";
import type { Contents } from "./contents.js";
import { documentsOf, pointsOf } from "./document-vectors.js";
import { find, similarTo } from "./find.js";
import { passagesOf, put } from "./given.js";
import { LiveCollection } from "./live.js";
import { OpenIndex } from "./open-index.js";
import type {
  FromSearchWorker,
  OpenedIndex,
  OpenIndexRequest,
  SearchCallName,
  SearchCalls,
  SearchFiles,
  SearchRequest,
  ToSearchWorker,
} from "./protocol.js";
import { Reindex } from "./reindex.js";
import type { CollectionInfo } from "./types.js";
import type { SearchModule } from "./wasm.js";

/** The part of a worker's global scope that is used here. */
interface Scope {
  addEventListener(type: "message", listener: (event: MessageEvent<ToSearchWorker>) => void): void;
  postMessage(message: FromSearchWorker): void;
}

/** The collection that a search worker has open: a live one, or an index, which has no `writer`. */
export interface Session {
  /** What is searched; another object when everything has been read anew. */
  readonly contents: Contents;
  readonly info: CollectionInfo;
  readonly writer?: Writer;
  readonly index?: OpenIndex;
}

/** What changes a live collection. */
interface Writer {
  readonly live: LiveCollection;
  readonly batches: Batches;
  readonly reindex: Reindex;
  readonly completion: Completion;
}

/** The calls that change nothing. */
type Reading =
  | "open"
  | "openIndex"
  | "search"
  | "similar"
  | "clusters"
  | "documentIds"
  | "documentVectors"
  | "get"
  | "ids"
  | "fields"
  | "missingBytes"
  | "readVectors";

/** Answers the messages of `scope` with `module`, whose wasm is called `wasm`. */
export function serveSearch(scope: Scope, module: SearchModule, wasm: string): void {
  const server = new Server(scope, module, wasm);
  const open = new Map<number, AbortController>();
  scope.addEventListener("message", ({ data }) => {
    if (data.type === "abort") return open.get(data.id)?.abort();
    const abort = new AbortController();
    open.set(data.id, abort);
    void server.answer(data, abort.signal).finally(() => open.delete(data.id));
  });
  scope.postMessage({ type: "started" });
}

class Server {
  readonly #scope: Scope;
  readonly #module: SearchModule;
  readonly #wasm: string;
  #session: Session | undefined;

  constructor(scope: Scope, module: SearchModule, wasm: string) {
    this.#scope = scope;
    this.#module = module;
    this.#wasm = wasm;
  }

  /** Runs one request to its end; never throws. */
  async answer(request: SearchRequest, signal: AbortSignal): Promise<void> {
    const { id } = request;
    try {
      const progress = (progress: number) => this.#scope.postMessage({ type: "progress", id, progress });
      const result = await this.#run(request, signal, progress);
      this.#scope.postMessage({ type: "result", id, result });
    } catch (error) {
      const known = knownError(error);
      // An error without a code is not a refusal but a trap or a defect, after which wasm memory cannot be trusted.
      this.#scope.postMessage(known ? { type: "error", id, error: known } : { type: "failed", error: defect(error) });
    }
  }

  async #run(
    call: SearchRequest,
    signal: AbortSignal,
    progress: (progress: number) => void,
  ): Promise<SearchCalls[SearchCallName]["result"]> {
    switch (call.type) {
      case "open":
        return this.#open(call.request);
      case "openIndex":
        return this.#openIndex(call.request);
      case "search":
        if (call.request.mode !== "words") await this.#session?.index?.readVectors();
        return this.#find((contents) => find(contents, call.request));
      case "similar":
        await this.#session?.index?.readVectors();
        return this.#find((contents) => similarTo(contents, call.request, this.#ready().info.dimensions, signal));
      case "clusters":
        await this.#session?.index?.readVectors();
        return this.#find((contents) => clustersOf(contents, call.request, this.#ready().info.dimensions, signal));
      case "documentIds":
        await this.#session?.index?.readVectors();
        return this.#find(async (contents) => {
          await contents.vectors;
          return documentsOf(contents, call.request.where).map(({ stored }) => stored.id);
        });
      case "documentVectors":
        await this.#session?.index?.readVectors();
        return this.#find((contents) => pointsOf(contents, call.request.ids, this.#ready().info.dimensions, signal));
      case "get": {
        const { id } = call.request;
        return (await (this.#session?.index?.get(id) ?? this.#writer().live.get(id))) ?? null;
      }
      case "ids":
        return this.#ready().contents.ids(call.request.where);
      case "fields":
        return this.#ready().contents.fields(call.request.ids);
      case "missingBytes":
        return this.#session?.index?.missingBytes() ?? 0;
      case "readVectors":
        await this.#session?.index?.readVectors(progress);
        return null;
      default:
        return this.#change(call, signal);
    }
  }

  async #change(
    call: Exclude<SearchRequest, { readonly type: Reading }>,
    signal: AbortSignal,
  ): Promise<SearchCalls[SearchCallName]["result"]> {
    const { live, batches, reindex, completion } = this.#writer();
    switch (call.type) {
      case "prepare":
        return batches.prepare(call.request.batch, call.request.documents, call.request, { signal });
      case "counted":
        return batches.counted(call.request.batch, call.request.tokens);
      case "commit": {
        const committed = await batches.commit(call.request.batch, call.request.vectors);
        reindex.committed(committed.passages);
        return committed;
      }
      case "forget":
        batches.forget(call.request.batch);
        return null;
      case "put":
        return put(live, call.request.documents, call.request.vectors);
      case "passages":
        return passagesOf(live, call.request.ids);
      case "remove":
        return live.remove(call.request.ids);
      case "reindex":
        return reindex.step(call.request.batch, call.request.cut, signal);
      case "endReindex":
        reindex.end();
        return null;
      case "complete": {
        const { call: number, batch, most } = call.request;
        return completion.step(number, batch, most, signal);
      }
      case "endComplete":
        completion.end(call.request.call);
        return null;
    }
  }

  async #open(request: SearchCalls["open"]["request"]): Promise<CollectionInfo> {
    await this.#start(request);
    const { name, memory, embedder } = request;
    const changed = () => this.#changed();
    const live = await LiveCollection.open({ name, memory, embedder, module: this.#module, changed });
    const batches = new Batches(live);
    const writer = { live, batches, reindex: new Reindex(live, batches), completion: new Completion(live, batches) };
    this.#session = {
      writer,
      get contents() {
        return live.contents;
      },
      get info() {
        return live.info;
      },
    };
    return live.info;
  }

  async #openIndex(request: OpenIndexRequest): Promise<OpenedIndex> {
    await this.#start(request);
    const { url, memory } = request;
    const warn = (warning: Warning) => this.#scope.postMessage({ type: "warning", warning });
    // It is open until the worker ends.
    const { signal } = new AbortController();
    const options = { url, cache: memory ? "none" : "auto", access: { credentials: "omit" }, signal, warn } as const;
    const index = await OpenIndex.open(options, this.#module);
    const { info, contents } = index;
    this.#session = { contents, info, index };
    return { info, model: index.manifest.model };
  }

  /** Starts the wasm that the page names, otherwise the one beside the script. */
  #start({ scriptUrl, wasmUrl }: SearchFiles): Promise<void> {
    return startWasm(this.#module, wasmUrl ?? new URL(this.#wasm, scriptUrl), "felsic's search");
  }

  /** Tells the page that documents have changed. */
  #changed(): void {
    if (this.#session) this.#scope.postMessage({ type: "changed", info: this.#session.info });
  }

  /** Searches, and does it again if everything has been read anew meanwhile. */
  async #find<T>(search: (contents: Contents) => Promise<T>): Promise<T> {
    const session = this.#ready();
    for (;;) {
      const { contents } = session;
      try {
        return await search(contents);
      } catch (error) {
        if (session.contents === contents) throw error;
      }
    }
  }

  #ready(): Session {
    if (!this.#session) throw new Error("no collection has been opened");
    return this.#session;
  }

  #writer(): Writer {
    const { writer, info } = this.#ready();
    if (writer) return writer;
    throw new FelsicError("input-invalid", `${info.name} is an index, which can only be searched: make it again to change it`);
  }
}

function defect(error: unknown): ErrorMessage {
  return { code: "internal", message: "the search worker crashed; open the collection again", cause: describe(error) };
}
