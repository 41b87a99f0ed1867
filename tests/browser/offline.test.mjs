/** The page as an app: without a network, with a new version, with what other apps share, under the policy of the chosen host. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "../support/patience.mjs";
import { packs } from "./harness.mjs";
import { Server } from "./server.mjs";
import { startShell, until } from "./shell-harness.mjs";

/** @typedef {import("playwright-core").Page} Page */

/** @type {import("./shell-harness.mjs").ShellEnvironment} */
let environment;
/** The browser of a person who has visited the page once, from the first test on. @type {import("playwright-core").BrowserContext} */
let context;
/** @type {Page} */
let page;
/** Two hosts with models. @type {[Server, Server]} */
let hosts;

before(async () => {
  environment = await startShell();
  hosts = [await Server.start({ "/packs/": [packs] }), await Server.start({ "/packs/": [packs] })];
  context = await environment.browser.newContext();
  page = await context.newPage();
});

after(async () => {
  await Promise.all(hosts?.map((host) => host.close()) ?? []);
  await environment?.close();
});

const isKept = () => app.offline.value === "ready" && app.watched.value !== "page";
/** The page with a model that is not there: nothing is loaded, and the shell goes on without. */
const WITHOUT_MODEL = "?pack=./nowhere/";
const isLoaded = () => app.sinceModel.value !== undefined;
const requests = () => page.evaluate(() => app.requests.value);

/** What the browser's engine is called in names of files: a processor with four-byte dot products has another one. @param {Page} from */
const flavour = (from) => from.evaluate(async () => ((await embedder).info.kernel === "relaxed" ? "relaxed" : "cpu"));

/** Asks for a file of a host; says whether there was an answer. @param {string} url */
const ask = (url) =>
  fetch(url).then(
    () => "answered",
    () => "refused",
  );

/** What the page, and what its engine's worker, may ask. @param {Server} host @param {Page} [from] */
async function answers(host, from = page) {
  const url = host.url("/packs/tiny-silu-int8/manifest.json");
  const worker = from.workers().find((worker) => /worker-(cpu|relaxed)/.test(worker.url()));
  assert.ok(worker);
  return [await from.evaluate(ask, url), await worker.evaluate(ask, url)];
}

test("the first visit fetches each file once, also those that are kept for use without a network", async () => {
  await page.goto(environment.url);
  assert.equal(await page.evaluate(() => find("a pet that rests")), "cats");
  await until(page, isKept);
  const asked = environment.asked().filter((path) => path.startsWith("assets/"));
  assert.deepEqual(
    asked.filter((path, at) => asked.indexOf(path) !== at),
    [],
  );
  assert.ok(!asked.some((path) => /gpu|packer/.test(path)), "nobody has used these");
  for (const name of ["felsic_relaxed", "felsic_cpu"]) assert.ok(asked.some((path) => path.startsWith(`assets/${name}`)));
});

test("then the page loads, embeds and searches without a network, and asks it for nothing", async () => {
  await environment.goOffline();
  await page.goto(`${environment.url}?from=elsewhere#query`);
  assert.equal(await page.evaluate(() => find("borrowing money")), "loans");
  const asked = await requests();
  assert.equal(await page.evaluate(() => app.watched.value), "all");
  const own = await flavour(page);
  for (const name of ["?from=elsewhere", "/first-", "/index-", `/worker-${own}-`, `/felsic_${own}_bg-`, "/felsic_search_bg-"])
    assert.equal(asked.filter((/** @type {any} */ { url }) => url.includes(name)).length, 1, name);
  assert.deepEqual(
    asked.filter((/** @type {any} */ { from, bytes }) => from !== "cache" || bytes !== 0),
    [],
  );
  assert.ok(asked.some((/** @type {any} */ { by }) => by === "worker"));
  await until(page, isLoaded);
  assert.equal(await page.evaluate(() => app.sinceModel.value), 0);
  await environment.goOnline();
});

test("what is asked for after the model was there is listed and counted, whoever asks", async () => {
  await page.goto(environment.url);
  await until(page, isLoaded);
  await page.evaluate(ask, "./nowhere-1");
  await page.workers()[0]?.evaluate(ask, `${environment.url}nowhere-2`);
  await until(page, () => app.sinceModel.value === 2);
  const asked = (await requests()).slice(-2);
  assert.deepEqual(
    asked.map((/** @type {any} */ { url, by, from, beforeModel }) => [new URL(url).pathname.slice(-9), by, from, beforeModel]),
    [
      ["nowhere-1", "page", "network", false],
      ["nowhere-2", "worker", "network", false],
    ],
  );
});

test("without a choice, page and workers may ask their own host alone; a choice allows one other", async () => {
  await page.goto(environment.url);
  await page.evaluate(() => embedder);
  assert.equal(await page.evaluate(() => shell.chosenHost()), undefined);
  assert.deepEqual(await answers(hosts[0]), ["refused", "refused"]);
  const origin = new URL(hosts[0].url("/")).origin;
  for (const bad of ["http://example.org", "javascript:", `${origin}/path`, "*"])
    assert.equal(await page.evaluate((bad) => shell.chooseHost(bad), bad), false, bad);
  await Promise.all([page.waitForEvent("load"), page.evaluate((origin) => void shell.chooseHost(origin), origin)]);
  await page.evaluate(() => embedder);
  assert.deepEqual(await page.evaluate(() => [shell.chosenHost(), shell.allowedOrigins()]), [origin, [origin]]);
  assert.deepEqual(await answers(hosts[0]), ["answered", "answered"]);
  assert.deepEqual(await answers(hosts[1]), ["refused", "refused"]);
  assert.deepEqual(hosts[1].requests, []);
  assert.ok((await requests()).some((/** @type {any} */ { url }) => url.startsWith(origin)));
  await Promise.all([page.waitForEvent("load"), page.evaluate(() => void shell.chooseHost(undefined))]);
  await page.evaluate(() => embedder);
  assert.deepEqual(await answers(hosts[0]), ["refused", "refused"]);
});

test("a model that the address names is loaded from its host, and no other host is asked", async () => {
  const model = hosts[1].url("/packs/tiny-silu-int8/");
  await page.goto(`${environment.url}?pack=${encodeURIComponent(model)}`);
  assert.equal(await page.evaluate(async () => (await embedder).info.model), "tiny-silu");
  assert.ok((await requests()).some((/** @type {any} */ { url }) => url.startsWith(model)));
  assert.deepEqual(await answers(hosts[0]), ["refused", "refused"]);
  await page.goto(environment.url);
  assert.equal(await page.evaluate(() => shell.chosenHost()), undefined);
});

test("at the very first visit the page is bound by the policy, and its workers by the engine", async () => {
  const fresh = await environment.browser.newContext();
  const first = await fresh.newPage();
  hosts[0].requests.splice(0);
  await first.goto(environment.url);
  assert.equal(await first.evaluate(ask, hosts[0].url("/packs/tiny-silu-int8/manifest.json")), "refused");
  assert.equal(await first.evaluate(() => navigator.serviceWorker.controller), null);
  const refused = await first.evaluate(
    (model) => shell.create({ model, allowedOrigins: shell.allowedOrigins() }).catch((/** @type {any} */ { code }) => code),
    hosts[0].url("/packs/tiny-silu-int8/"),
  );
  assert.equal(refused, "input-invalid");
  await first.evaluate(() => localStorage.setItem("felsic-host", "https://example.org"));
  await first.goto(`${environment.url}?pack=./beside/`);
  assert.equal(await first.evaluate(ask, "https://example.org/"), "refused");
  assert.deepEqual(hosts[0].requests, []);
  await fresh.close();
});

test("where there can be no service worker the page works as it does without one, and does not claim more", async () => {
  const fresh = await environment.browser.newContext({ serviceWorkers: "block" });
  const first = await fresh.newPage();
  /** @type {string[]} */
  const errors = [];
  first.on("pageerror", (error) => errors.push(String(error)));
  await first.goto(environment.url);
  assert.equal(await first.evaluate(() => find("a pet that rests")), "cats");
  await until(first, isLoaded);
  const state = await first.evaluate(() => [app.offline.value, app.watched.value, app.update.value, app.sinceModel.value]);
  assert.deepEqual(state, ["no", "page", false, 0]);
  const asked = await first.evaluate(() =>
    app.requests.value.map((/** @type {any} */ { url, by }) => `${by} ${new URL(url).pathname}`),
  );
  assert.equal(new Set(asked).size, asked.length, "each request is listed once");
  assert.ok(asked.some((/** @type {string} */ one) => /^page .*\/assets\/worker-(cpu|relaxed)-/.test(one)));
  assert.deepEqual(errors, []);
  await fresh.close();
});

// On request: in one of five runs Chromium lets the old version go on for minutes, as long as it believes that it has something to do.
const isPatient = process.env.FELSIC_TEST_FULL !== undefined;
test(
  "a new version waits, is offered, and takes the place of the old one in all tabs at once",
  { skip: !isPatient },
  async () => {
    const html = join(environment.dist, "index.html");
    const other = await context.newPage();
    await Promise.all([page, other].map((tab) => tab.goto(environment.url + WITHOUT_MODEL)));
    writeFileSync(html, readFileSync(html, "utf8").replace('data-version="1"', 'data-version="2"'));
    await environment.writeWorker();
    await page.reload();
    const version = (/** @type {Page} */ page) => page.locator("html").getAttribute("data-version");
    await until(page, () => app.update.value);
    assert.equal(await version(page), "1");
    await page.reload();
    assert.equal(await version(page), "1", "a new version does not begin by itself");
    await until(page, () => app.update.value);
    await page.evaluate(() => app.applyUpdate());
    for (const tab of [page, other]) await until(tab, () => document.documentElement.dataset.version === "2");
    await until(page, () => !app.update.value && app.offline.value === "ready");
    await environment.goOffline();
    await page.goto(environment.url);
    assert.equal(await version(page), "2");
    assert.equal(await page.evaluate(() => find("a pet that rests")), "cats");
    await environment.goOnline();
    await other.close();
  },
);

test("a version with a file that is not as it was built is never taken", async () => {
  const html = join(environment.dist, "index.html");
  const good = readFileSync(html, "utf8");
  writeFileSync(html, good.replace(/data-version="\d"/, 'data-version="3"'));
  await environment.writeWorker();
  // As in the middle of an upload: the list is new, and a file is not.
  writeFileSync(html, good);
  await page.reload();
  await page.evaluate(async () => {
    const registration = await navigator.serviceWorker.getRegistration();
    await registration?.update().catch(() => undefined);
    while (registration?.installing) await new Promise((resolve) => setTimeout(resolve, 20));
  });
  assert.equal(await page.evaluate(() => app.update.value), false);
  assert.equal(await page.evaluate(() => find("a pet that rests")), "cats");
  await environment.writeWorker();
});

test("where files that were kept are gone, the page is loaded from the network, and they are kept again", async () => {
  const count = () =>
    page.evaluate(async () => {
      const name = (await caches.keys()).find((name) => /^felsic-app http/.test(name)) ?? "";
      return (await (await caches.open(name)).keys()).length;
    });
  const whole = await count();
  await page.evaluate(async () => {
    const name = (await caches.keys()).find((name) => /^felsic-app http/.test(name)) ?? "";
    const cache = await caches.open(name);
    for (const request of await cache.keys()) if (/index|worker-(cpu|relaxed)/.test(request.url)) await cache.delete(request);
  });
  assert.ok((await count()) < whole);
  await page.reload();
  assert.equal(await page.evaluate(() => find("a pet that rests")), "cats");
  assert.equal(await eventually(count, (kept) => kept >= whole), whole);
});

test("what few people need is kept when it has been used", async () => {
  const binary = `./assets/${readdirSync(join(environment.dist, "assets")).find((name) => /felsic_packer.*wasm$/.test(name))}`;
  const load = () => page.evaluate(async (url) => (await (await fetch(url)).arrayBuffer()).byteLength, binary);
  const bytes = await load();
  assert.ok(bytes > 1_000_000);
  await environment.goOffline();
  assert.equal(await load(), bytes);
  await environment.goOnline();
});

test("what another app shares is handed out once", async () => {
  // The browser sends a form, as a system's share sheet makes it do.
  const sender = await context.newPage();
  await sender.goto(new URL("/elsewhere", environment.url).href);
  await sender.evaluate((action) => {
    const form = document.createElement("form");
    Object.assign(form, { method: "post", action, enctype: "multipart/form-data" });
    const fields = { title: "A title", text: "Some text", url: "https://example.org/" };
    for (const [name, value] of Object.entries(fields))
      form.append(Object.assign(document.createElement("input"), { name, value }));
    const files = new DataTransfer();
    files.items.add(new File(["# Notes"], "notes.md", { type: "text/markdown" }));
    const input = Object.assign(document.createElement("input"), { type: "file", name: "files" });
    input.files = files.files;
    form.append(input);
    document.body.append(form);
    form.submit();
  }, `${environment.url}share`);
  await sender.waitForURL(environment.url);
  await until(sender, () => "app" in globalThis);
  assert.equal(await sender.evaluate(() => app.isShareLost), false);
  const take = (/** @type {Page} */ page) =>
    page.evaluate(async () => {
      /** @type {{ title: string, text: string, url: string, files: File[] }[]} */
      const shared = await app.shared();
      const read = (/** @type {File} */ file) => file.text().then((text) => [file.name, file.type, text]);
      return Promise.all(shared.map(async ({ files, ...rest }) => ({ ...rest, files: await Promise.all(files.map(read)) })));
    });
  const both = await Promise.all([take(sender), take(page)]);
  assert.deepEqual(both.flat(), [
    { title: "A title", text: "Some text", url: "https://example.org/", files: [["notes.md", "text/markdown", "# Notes"]] },
  ]);
  assert.deepEqual(await take(sender), []);
  await sender.close();
});

test("what the shell has kept can be removed, and the page is kept anew when it is opened again", async () => {
  await page.goto(environment.url + WITHOUT_MODEL);
  await until(page, isKept);
  const left = () =>
    page.evaluate(async () => {
      const registrations = await navigator.serviceWorker.getRegistrations();
      const names = (await caches.keys()).filter((name) => name.startsWith("felsic-app"));
      return [registrations.length, names, localStorage.getItem("felsic-host"), (await app.shared()).length];
    });
  await page.evaluate(() => localStorage.setItem("felsic-host", "https://example.org"));
  await page.evaluate(() => app.remove());
  assert.deepEqual(await left(), [0, [], null, 0]);
  assert.equal(await page.evaluate(() => app.offline.value), "no");
  await page.reload();
  await until(page, isKept);
});
