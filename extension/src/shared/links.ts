/** Where a hit leads. The rule is that of felsic's search box. */

import { linkOf as boxLink } from "../../../pkg/src/search-box/links.js";

/** Returns the address of a passage: with a text fragment, so that the browser scrolls to it and marks it. */
export function linkOf(url: string, text: string, highlights: readonly { start: number; end: number }[]): string {
  return boxLink({ id: url, url, passage: { text, trail: [] }, highlights }, url) ?? url;
}
