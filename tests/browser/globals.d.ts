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

interface Window {
  felsic: typeof import("felsic");
  settle(promise: Promise<unknown>): Promise<Settled>;
}

/** So that callbacks that run in the page can name what is global there. */
declare var felsic: Window["felsic"];
declare var settle: Window["settle"];

/** What box.html has: the search box, and what its collection does. */
declare var box: any;
declare var fake: any;
declare var chosen: string[];
/** Where tests keep an index between two evaluations. */
declare var indexes: { Collection: any; index?: any };
