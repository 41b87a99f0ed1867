/** What blank.html puts on the page for the tests. */

/** How a promise settled, in a form that survives the way out of the page. */
interface Settled {
  readonly ok: boolean;
  readonly code?: string;
  readonly name?: string;
  readonly message?: string;
  readonly cause?: string;
  readonly isFelsicError?: boolean;
}

/** The embedder of search-page.js. */
interface FakeTextEmbedder extends Omit<import("felsic/search").TextEmbedder, "embed"> {
  readonly texts: string[];
  readonly queries: string[];
  counted: number;
  delay: number;
  embed(input: any, options?: any): Promise<any>;
}

interface Window {
  felsic: typeof import("felsic");
  search: typeof import("felsic/search");
  FakeEmbedder: new (info?: Partial<import("felsic/search").EmbedderInfo>) => FakeTextEmbedder;
  settle(promise: Promise<unknown>): Promise<Settled>;
}

/** So that callbacks that run in the page can name what is global there. */
declare var felsic: Window["felsic"];
declare var settle: Window["settle"];
declare var search: Window["search"];
declare var FakeEmbedder: Window["FakeEmbedder"];

/** What box.html has: the search box, and what its collection does. */
declare var box: any;
declare var fake: any;
declare var chosen: string[];
/** What map-page.js has: the map, its signals, and what it has told. */
declare var view: any;
/** Where tests keep an index between two evaluations. */
declare var indexes: { Collection: any; index?: any };

/** What shell/main.js has: the page's shell, and a model. */
declare var app: any;
declare var shell: any;
declare var embedder: Promise<import("felsic").Embedder>;
declare function find(query: string): Promise<string | undefined>;

/** What library-page has, and the library that a test has opened there. */
declare var lib: any;
declare var library: any;

/** What the page of tests for reading has. */
declare var Reader: any;
declare var reader: any;
declare var pdfPage: any;
