/** Collections in Firefox, where there is one: added, kept, found on another visit, seen in another tab. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { hasFirefox, startFirefox } from "./firefox.mjs";

const skip = hasFirefox ? false : "there is no Firefox";

/** @type {Awaited<ReturnType<typeof startFirefox>>} */
let environment;

before(async () => {
  if (!skip) environment = await startFirefox();
});

after(() => environment?.close());

test("what is added with the built-in model is kept, found and changed", { skip }, async () => {
  const found = await environment.page.evaluate(async () => {
    // The package's own file, which the server shows there.
    const { Collection } = /** @type {typeof import("felsic/search")} */ (await import(String("/felsic/search.js")));
    const embedder = await felsic.Embedder.create({ workers: 1 });
    const docs = await Collection.open("firefox", { embedder });
    const result = await docs.add([
      { id: "git.md", text: "# Undo\n\nHow to take back a commit.\n\n## More\n\nRevert makes a new one.", tags: ["guide"] },
      { id: "pasta", text: "Cook the noodles in salted water for ten minutes." },
      { id: "tides", text: "The moon moves the sea twice a day." },
    ]);
    const other = await Collection.open("firefox", { embedder });
    const changed = new Promise((resolve) => other.addEventListener("change", resolve, { once: true }));
    await docs.update("tides", { text: "Whales sing at night." });
    await docs.remove("nothing");
    await changed;
    const [whales] = await other.search("animals in the sea that make music", { minScore: 0 });
    docs.close();
    other.close();

    const again = await Collection.open("firefox", { embedder });
    const opened = { ...again.info };
    const [meal] = await again.search("preparing a meal", { mode: "meaning", minScore: 0 });
    const [word] = await again.search("comit", { mode: "words" });
    const text = (await again.get("git.md"))?.text;
    again.close();
    await Collection.delete("firefox");
    const list = await Collection.list();
    embedder.destroy();
    return { result, whales: whales?.id, documents: opened.documents, meal: meal?.id, word: word?.id, text, list };
  }, undefined);
  assert.equal(found.result.added, 3);
  assert.deepEqual([found.whales, found.documents, found.meal, found.word], ["tides", 3, "pasta", "git.md"]);
  assert.match(String(found.text), /^# Undo\n\nHow to take back/);
  assert.deepEqual(found.list, []);
});
