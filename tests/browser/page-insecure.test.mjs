/** The private-search page where it did not come by HTTPS, as from another machine in the same network: everything works, in memory. */

import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pdfText } from "../fixtures/files/pdf.mjs";
import { screenshots, start } from "./harness.mjs";
import { accessible, chooseFiles, field, fits, found, openPage, settled, shows, view } from "./page-harness.mjs";

/** @type {import("./harness.mjs").Environment} */
let environment;

before(async () => {
  environment = await start({ insecure: true, page: "/www/bench.html" });
  await environment.page.close();
  mkdirSync(screenshots, { recursive: true });
});

after(() => environment?.close());

const FILES = {
  "cat.txt": "The cat sleeps on the warm windowsill all afternoon.",
  "lease.txt": "The landlord gives three months of notice before the end of the lease.",
  "bread.txt": "Let the dough rise overnight, then bake the loaf in a hot oven.",
  "lighthouses.pdf": pdfText(),
};

test("a library in memory: found by meaning and words, shown, on the map; a line says that nothing is kept, and why", async () => {
  const { context, page, said } = await openPage(environment);
  const lines = page.locator(".unkept");
  await shows(page, ".model", /Built-in model/);
  assert.equal(await page.evaluate(() => isSecureContext), false);
  assert.match((await lines.textContent()) ?? "", /gone when you close or reload.*HTTPS/);
  assert.doesNotMatch((await page.locator(".welcome").textContent()) ?? "", /stored|when you come back/);
  await fits(page, "welcome, nothing kept");
  await accessible(page, "welcome, nothing kept");
  await page.screenshot({ path: join(screenshots, "page-insecure.png") });

  await chooseFiles(page, FILES);
  await settled(page, Object.keys(FILES).length);
  await field(page).fill("a pet that rests");
  await shows(page, ".hit h3", /^cat\.txt$/);
  await page.getByRole("radio", { name: "Words" }).check();
  await field(page).fill("landlord");
  await shows(page, ".hit h3", /^lease\.txt$/);
  assert.deepEqual(await found(page), ["lease.txt"]);
  await page.locator("a.passage").first().click();
  await shows(page, ".lit", /landlord/);

  await view(page, "Map");
  await page.locator(".map canvas, .map-picture").first().waitFor();
  await view(page, "Privacy");
  await shows(page, ".pane", /Kept by the browser\s*only while the page is open/);
  assert.equal(await page.locator(".status .unkept-item").textContent(), "Nothing is kept");
  assert.equal(await page.locator(".status .trust").textContent(), "0 requests since the model was there");

  // What is gone is gone with all that was known of it.
  await page.reload();
  await shows(page, ".pane", /Library\s*0|Documents\s*0/);
  await view(page, "Library");
  await shows(page, ".pane", /nothing in the library yet/);
  // The shell looks there for what other apps have shared.
  assert.deepEqual(await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name)), ["felsic-shared"]);
  assert.deepEqual(said, []);
  await context.close();
});

for (const [what, script] of /** @type {const} */ ([
  [
    "rejects",
    "StorageManager.prototype.getDirectory = () => Promise.reject(new DOMException('The operation is insecure.', 'SecurityError'))",
  ],
  ["is not there", "delete StorageManager.prototype.getDirectory"],
]))
  test(`a page whose private file system ${what}, as in a private window: the same, and the line names that reason`, async () => {
    const { context, page, said } = await openPage(
      { ...environment, url: (path) => environment.url(path).replace(/\/\/[^:/]+/, "//localhost") },
      {},
      "",
      script,
    );
    await shows(page, ".model", /Built-in model/);
    assert.equal(await page.evaluate(() => isSecureContext), true);
    assert.match((await page.locator(".unkept").textContent()) ?? "", /gone when you close or reload.*private window/);
    assert.doesNotMatch((await page.locator(".welcome").textContent()) ?? "", /stored|when you come back/);
    await accessible(page, "welcome, private window");
    await chooseFiles(page, { "cat.txt": FILES["cat.txt"], "lease.txt": FILES["lease.txt"] });
    await settled(page, 2);
    await field(page).fill("a pet that rests");
    await shows(page, ".hit h3", /^cat\.txt$/);
    await view(page, "Privacy");
    await shows(page, ".pane", /Kept by the browser\s*only while the page is open/);
    // Nothing of a document is in a database.
    const names = await page.evaluate(async () => (await indexedDB.databases()).map(({ name }) => name));
    assert.deepEqual(
      names.filter((name) => name !== "felsic-shared"),
      [],
    );
    assert.deepEqual(said, []);
    await context.close();
  });
