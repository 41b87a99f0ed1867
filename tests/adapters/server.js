// @ts-nocheck: its imports are installed only in target/adapters.
/** A page with hooks, rendered on a server: nothing is created, and nothing of the browser is needed. */

import { useEmbedder } from "felsic/react";
import { createElement } from "react";
import { renderToString } from "react-dom/server";

function Shows() {
  const { status, embedder, error } = useEmbedder({ model: "/packs/granite/" });
  return createElement("p", null, `${status} ${embedder} ${error}`);
}
console.log(renderToString(createElement(Shows)));
