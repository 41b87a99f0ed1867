/** How workers start: from the page's origin and from others, under policies, and what the error says if they do not. The engine is a fake. */

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { start, workers } from "./harness.mjs";
import { Server } from "./server.mjs";

/** @typedef {{ ok: boolean, code?: string, message?: string, cause?: string, from?: string, model?: string }} Outcome */

/** @type {import("./harness.mjs").Environment} */
let environment;
/** The package's files again, on a host that has nothing of the page. @type {Server} */
let foreign;

before(async () => {
  environment = await start({ fake: true, gpu: false });
  foreign = await Server.start(environment.mounts, 0, "127.0.0.2");
});

after(async () => {
  await foreign?.close();
  await environment?.close();
});

/**
 * Creates an embedder in a new page, with helpers, and uses it.
 *
 * @param {object} setting
 * @param {Record<string, string>} [setting.page] headers of the page's answer
 * @param {import("./server.mjs").Fault[]} [setting.faults] faults of other files in its folder
 * @param {string} [setting.felsic] where felsic is imported from, if not from the page's folder
 * @param {Omit<import("felsic").CreateOptions, "files">} [setting.options]
 * @param {string} [setting.before] a script that the page runs first
 * @returns {Promise<Outcome>} with the URL that the worker was started from, and the model's
 */
async function created({ page: headers = {}, faults = [], felsic, options, before }) {
  const folder = environment.server.spoilt("/fake/", { file: /^blank\.html$/, headers }, ...faults);
  const page = await environment.browser.newPage();
  if (before) await page.addInitScript(before);
  await page.goto(`${folder}blank.html`);
  await page.waitForFunction(() => "settle" in globalThis);
  const outcome = await page.evaluate(
    async ({ url, options }) => {
      /** @type {Window["felsic"]} */
      const { Embedder } = url === undefined ? globalThis.felsic : await import(url);
      const work = Embedder.create({ model: `${location.origin}/helped/`, workers: 2, ...options });
      const settled = await settle(work);
      if (!settled.ok) return settled;
      const embedder = await work;
      const count = await embedder.warmUp();
      return { ...settled, message: `${count} workers`, model: embedder.info.model };
    },
    { url: felsic, options },
  );
  const from = page.workers()[0]?.url();
  if (!outcome.ok) assert.equal(await workers(page, 0), 0, "a worker is left");
  await page.close();
  return from === undefined ? outcome : { ...outcome, from };
}

/** Asserts that a worker could not be started, and that the message says why. @param {Outcome} outcome @param {RegExp} why */
function saysWhy({ code, message = "" }, why) {
  assert.match(message, why);
  assert.equal(code, "network", message);
  assert.ok(message.length < 400, "whole");
}

const OWN = /^http:.*\/worker-(cpu|relaxed)\.js$/;
const BLOB = /^blob:/;

test("from the page's own origin no Blob is needed, whatever its policy", async () => {
  const policy = "default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'";
  const outcome = await created({ page: { "content-security-policy": policy } });
  assert.equal(outcome.message, "2 workers");
  assert.match(outcome.from ?? "", OWN);
});

test("from another origin everything comes without an option", async () => {
  const outcome = await created({ felsic: foreign.url("/fake/index.js") });
  assert.equal(outcome.message, "2 workers");
  assert.match(outcome.from ?? "", BLOB);
  assert.ok(
    foreign.requests.some((path) => path.endsWith("_bg.wasm")),
    "the binary follows",
  );

  const builtIn = await created({ felsic: foreign.url("/fake/index.js"), options: { model: undefined } });
  assert.equal(builtIn.model, foreign.url("/fake/model/"), "the built-in model follows");
});

test("from another origin under a policy that names it and Blobs; otherwise the message names what to allow", async () => {
  const { origin } = new URL(foreign.url("/"));
  const policy = (/** @type {string} */ workers) => ({
    "content-security-policy": `default-src 'none'; script-src 'self' ${origin}; worker-src ${workers}; connect-src 'self' ${origin}`,
  });
  const felsic = foreign.url("/fake/index.js");
  assert.equal((await created({ page: policy(`blob: ${origin}`), felsic })).message, "2 workers");
  saysWhy(
    await created({ page: policy("'self'"), felsic }),
    /content security policy.* worker-src must allow blob: and http:\/\/127\.0\.0\.2:\d+, .*baseUrl/,
  );
  saysWhy(
    await created({ page: policy("blob:"), felsic }),
    /content security policy.* worker-src and script-src must allow http:\/\/127\.0\.0\.2:\d+$/,
  );
  // The other way, without a Blob.
  const served = await created({ page: policy("'self'"), felsic, options: { baseUrl: environment.server.url("/fake/") } });
  assert.equal(served.message, "2 workers");
  assert.match(served.from ?? "", OWN);
  saysWhy(await created({ page: policy("'none'") }), /content security policy.* worker-src must allow http:\/\/127\.0\.0\.1/);
});

test("felsic's own files may be asked for under allowedOrigins, and no others, also in a worker that a Blob has started", async () => {
  const felsic = foreign.url("/fake/index.js");
  const model = foreign.url("/helped/");
  assert.equal((await created({ felsic, options: { allowedOrigins: [] } })).ok, true);
  const other = await created({ felsic, options: { allowedOrigins: [], wasmUrl: "http://127.0.0.3:1/other.wasm" } });
  assert.equal(other.code, "input-invalid");
  assert.match(other.message ?? "", /does not allow requests to http:\/\/127\.0\.0\.3:1 \(allowedOrigins\)/);
  assert.equal(
    (await created({ options: { model, allowedOrigins: [], wasmUrl: foreign.url("/fake/felsic_cpu_bg.wasm") } })).code,
    "input-invalid",
  );
});

test("baseUrl and workerUrl name files anywhere", async () => {
  const base = await created({ options: { baseUrl: foreign.url("/fake"), model: undefined } });
  assert.deepEqual([base.ok, base.model], [true, foreign.url("/fake/model/")]);
  assert.match(base.from ?? "", BLOB);
  foreign.requests.splice(0);
  const worker = await created({ options: { workerUrl: foreign.url("/fake/worker-cpu.js") } });
  assert.match(worker.from ?? "", BLOB);
  assert.deepEqual([...new Set(foreign.requests)], ["/fake/worker-cpu.js", "/fake/felsic_cpu_bg.wasm"], "the binary beside it");
});

test("Trusted Types: the policy is called felsic, or the page's default one serves; the message names it otherwise", async () => {
  const required = (/** @type {string} */ names) => ({
    "content-security-policy": `require-trusted-types-for 'script'; trusted-types ${names}`,
  });
  assert.equal((await created({ page: required("felsic") })).message, "2 workers");
  assert.equal((await created({ page: required("felsic"), felsic: foreign.url("/fake/index.js") })).message, "2 workers");
  saysWhy(await created({ page: required("other") }), /Trusted Types.*trusted-types felsic/);
  const before = 'trustedTypes.createPolicy("default", { createScriptURL: (url) => url })';
  assert.equal((await created({ page: required("default"), before })).message, "2 workers");
  // Listed and not required, or not listed and not required: no difference.
  assert.equal((await created({ page: { "content-security-policy": "trusted-types other" } })).message, "2 workers");
});

test("a page with Cross-Origin-Embedder-Policy needs it with the worker's script, and the message says so", async () => {
  const coep = { "cross-origin-embedder-policy": "require-corp" };
  const isolated = { ...coep, "cross-origin-opener-policy": "same-origin" };
  saysWhy(
    await created({ page: coep }),
    /worker-\w+\.js does not run: .*or the page sends Cross-Origin-Embedder-Policy, and the script must be served with that header/,
  );
  // Isolation requires a secure context, such as an address of this machine.
  saysWhy(
    await created({ page: isolated }),
    /the page is cross-origin isolated.*must be served with Cross-Origin-Embedder-Policy/,
  );
  for (const page of [coep, isolated]) {
    const served = await created({ page, faults: [{ file: /^worker-/, headers: coep }] });
    assert.equal(served.message, "2 workers", "with the header");
    const elsewhere = await created({ page, felsic: foreign.url("/fake/index.js") });
    assert.equal(elsewhere.message, "2 workers", "a Blob has the page's policy");
  }
});

test("a script that is not there, or is none, is told from all that", async () => {
  saysWhy(
    await created({ faults: [{ file: /^worker-/, status: 404 }] }),
    /worker-\w+\.js cannot be fetched: HTTP 404; .*baseUrl/,
  );
  saysWhy(
    await created({ faults: [{ file: /^worker-/, page: true }] }),
    /worker-\w+\.js is no script: its server says text\/html/,
  );
  saysWhy(await created({ faults: [{ file: /^worker-/, change: () => "not a script" }] }), /worker-\w+\.js does not run/);
  const redirected = { file: /^worker-/, status: 302, headers: { location: foreign.url("/fake/worker-cpu.js") } };
  saysWhy(await created({ faults: [redirected] }), /worker-\w+\.js is redirected to http:\/\/127\.0\.0\.2/);
  saysWhy(
    await created({ options: { baseUrl: foreign.url("/nowhere/") } }),
    /nowhere\/worker-\w+\.js cannot be fetched: HTTP 404/,
  );
  saysWhy(
    await created({ options: { baseUrl: "http://127.0.0.2:1/" } }),
    /does not load \(from another origin its host must send CORS/,
  );
});

test("service workers and shared workers say where felsic can run", async () => {
  const { page } = environment;
  const [service, shared] = await page.evaluate(async () => {
    /** @param {(port: MessagePort) => void} send @returns {Promise<{ availability: string, code: string, message: string }>} */
    const answer = (send) =>
      new Promise((resolve) => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => resolve(data);
        send(port2);
      });
    const registration = await navigator.serviceWorker.register("./scope-worker.js", { type: "module" });
    const worker = registration.active ?? registration.waiting ?? registration.installing;
    const service = await answer((port) => worker?.postMessage("", [port]));
    await registration.unregister();
    const shared = await answer((port) => new SharedWorker("./scope-worker.js", { type: "module" }).port.postMessage("", [port]));
    return [service, shared];
  });
  for (const { availability, code } of [service, shared])
    assert.deepEqual([availability, code], ["unavailable", "device-unavailable"]);
  assert.match(service?.message ?? "", /service worker cannot start workers: .*offscreen document/);
  assert.match(shared?.message ?? "", /shared worker cannot start workers/);
});
