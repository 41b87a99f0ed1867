/** Has the embedder, as long as the browser keeps this document. */

import { Embedder } from "./felsic/index.js";

let embedder;

async function embed(texts) {
  embedder ??= await Embedder.create();
  const vectors = await embedder.embed(texts);
  // Messages of extensions are JSON.
  return { vectors: vectors.map((vector) => Array.from(vector)) };
}

chrome.runtime.onMessage.addListener((message, sender, respond) => {
  if (message.to !== "offscreen") return false;
  embed(message.texts).then(respond, ({ message, code }) => respond({ error: `${message} (${code})` }));
  return true;
});
