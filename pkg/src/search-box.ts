/** felsic/search-box: the element `<felsic-search>`, which importing this module defines. It can be imported where there are no elements. */

import { FelsicSearch } from "./search-box/element.js";

export type { SearchLabels, Plural } from "./search-box/labels.js";
export type { BoxHit, BoxProgress, BoxSearch, Range, Searchable } from "./search-box/searchable.js";
export { FelsicSearch };

// Most visitors of a page never search: what searches is fetched when the dialog is opened.
FelsicSearch.open = async (box) => {
  const { Collection } = await import("./search.js");
  const baseUrl = box.getAttribute("base-url");
  return Collection.open(box.indexUrl, baseUrl === null ? {} : { baseUrl });
};

if (globalThis.customElements && !customElements.get("felsic-search")) customElements.define("felsic-search", FelsicSearch);
