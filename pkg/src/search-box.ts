/** felsic/search-box: the element `<felsic-search>`, which importing this module defines. It can be imported where there are no elements. */

import { FelsicSearch as Box } from "./search-box/element.js";
import type { SearchLabels } from "./search-box/labels.js";
import type { Searchable } from "./search-box/searchable.js";

export type { Plural, SearchLabels } from "./search-box/labels.js";
export type {
  BoxHit,
  BoxInfo,
  BoxPassage,
  BoxPrepare,
  BoxProgress,
  BoxSearch,
  Range,
  Searchable,
} from "./search-box/searchable.js";

/**
 * A search box for a page: `<felsic-search index="/index/"></felsic-search>`.
 *
 * Attributes: `index`, the URL of the index; `base`, what the URLs of results are relative to; `theme`, `light` or `dark`; `limit`, the most
 * results of a search; `labels`, words in another language as JSON; `base-url`, the folder of felsic's files if a bundler does not find
 * them; `no-button` and `no-shortcuts`.
 *
 * It fires `felsic-search-open`, `felsic-search-close`, and `felsic-search-select`, whose `detail` is `{ hit, url }` and whose default is
 * to follow the link.
 */
export interface FelsicSearch extends HTMLElement {
  /** The collection that is searched instead of an index. The box does not close it. */
  get collection(): Searchable | undefined;
  /** Names the collection, or none. */
  set collection(collection: Searchable | undefined);
  /** The words on the box; those that are not given are English. */
  get labels(): SearchLabels;
  /** Sets the words; `undefined` stands for those of the attribute. */
  set labels(labels: Partial<SearchLabels> | undefined);
  /** Opens the dialog. */
  open(): void;
  /** Closes the dialog; the query stays for the next time. */
  close(): void;
}

/** The class of the element. */
export const FelsicSearch: new () => FelsicSearch = Box;

// Most visitors of a page never search: what searches is fetched when the dialog is opened.
Box.open = async (box) => {
  const { Collection } = await import("./search.js");
  const baseUrl = box.getAttribute("base-url");
  return Collection.open(box.indexUrl, baseUrl === null ? {} : { baseUrl });
};

if (globalThis.customElements && !customElements.get("felsic-search")) customElements.define("felsic-search", Box);
