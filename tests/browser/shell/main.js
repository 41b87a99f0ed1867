/** What the page does with its shell, for tests: loads a model, tells the shell, and can search. */

import { Embedder } from "felsic";
import { Collection } from "felsic/search";
import * as shell from "../../../www/src/app-shell/index.ts";

const app = shell.startShell();

/** As the page does: its model is the one that the URL names. */
async function load() {
  let loaded = { loadedBytes: 0, totalBytes: 0 };
  let state = "loading";
  const tell = () => app.noteModel({ state, ...loaded });
  try {
    const model = new URLSearchParams(location.search).get("pack");
    const embedder = await Embedder.create({
      ...(model && { model }),
      workers: 1,
      allowedOrigins: shell.allowedOrigins(),
      onProgress: ({ loadedBytes, totalBytes }) => {
        loaded = { loadedBytes, totalBytes };
        tell();
      },
    });
    state = "ready";
    tell();
    return embedder;
  } catch (error) {
    state = "failed";
    tell();
    throw error;
  }
}

const embedder = load();
embedder.catch(() => undefined);

/** Adds a few texts, if they are not there yet, and returns the id of what a query finds first. @param {string} query */
async function find(query) {
  const collection = await Collection.open("library", { embedder: await embedder });
  try {
    await collection.add([
      { id: "cats", text: "A cat sleeps on the warm windowsill." },
      { id: "loans", text: "The central bank has raised its interest rates." },
    ]);
    return (await collection.search(query))[0]?.id;
  } finally {
    await collection.close();
  }
}

Object.assign(globalThis, { app, shell: { ...shell, create: Embedder.create }, embedder, find });
