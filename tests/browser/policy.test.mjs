/** Which hosts the page and its workers may ask: with a server's headers, and without any. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { eventually } from "../support/patience.mjs";
import { dist, packs, root, start } from "./harness.mjs";
import { Server } from "./server.mjs";

/** A host that the page's policies do not name. */
const FOREIGN = "127.0.0.2";
const PREVIEW = 4179;

/** @type {import("./harness.mjs").Environment} */
let environment;
/** @type {Server} */
let foreign;

before(async () => {
  environment = await start({ gpu: false, needs: ["tiny-silu-int8"] });
  foreign = await Server.start({ "/felsic/": [dist], "/packs/": [packs] }, 0, FOREIGN);
});

after(async () => {
  await foreign?.close();
  await environment?.close();
});

/** What the page says of a model. @param {string} url */
async function problem(url) {
  const page = await environment.browser.newPage();
  await page.goto(url);
  const alert = page.getByRole("alert").filter({ hasText: "model" });
  await alert.waitFor();
  const text = await alert.innerText();
  await page.close();
  return text;
}

/** Serves the page as `cargo xtask demo` does. @param {(url: string) => Promise<void>} work */
async function preview(work) {
  const vite = join(root, "node_modules/vite/bin/vite.js");
  const arguments_ = [vite, "preview", "www", "--strictPort", "--host", "127.0.0.1", "--port", String(PREVIEW)];
  const server = spawn(process.execPath, arguments_, { cwd: root, stdio: "ignore" });
  const url = `http://127.0.0.1:${PREVIEW}/`;
  try {
    const answers = () =>
      fetch(url).then(
        () => true,
        () => false,
      );
    await eventually(answers, Boolean, 100);
    await work(url);
  } finally {
    server.kill();
  }
}

test("on a server that sends no headers the page's workers ask nobody whom the page does not allow", async () => {
  const model = encodeURIComponent(foreign.url("/packs/tiny-silu-int8/"));
  assert.match(
    await problem(environment.server.url(`/www/index.html?pack=${model}`)),
    /does not allow requests to http:\/\/127\.0\.0\.2:\d+ \(allowedOrigins\)/,
  );
  assert.deepEqual(foreign.requests, []);
});

test("an answer that was redirected to such a host is not used", async () => {
  const location = foreign.url("/packs/tiny-silu-int8/manifest.json");
  const folder = environment.server.spoilt("/packs/tiny-silu-int8/", { file: /manifest/, status: 302, headers: { location } });
  assert.match(
    await problem(environment.server.url(`/www/index.html?pack=${encodeURIComponent(folder)}`)),
    /does not allow requests to .* \(allowedOrigins\)/,
  );
  assert.deepEqual(foreign.requests.splice(0), ["/packs/tiny-silu-int8/manifest.json"]);
});

test("allowedOrigins holds for packs, helpers and checkpoints, and takes origins alone", async () => {
  const { page, server } = environment;
  const outcomes = await page.evaluate(
    async ([own, other]) => {
      const create = async (/** @type {string} */ model, /** @type {any} */ allowedOrigins) => {
        const settled = await settle(felsic.Embedder.create({ model, allowedOrigins, workers: 2, cache: "none" }));
        return settled.ok ? "made" : settled.code;
      };
      const { origin, port } = new URL(other);
      return [
        await create(own, []),
        await create(other, []),
        await create(other, [origin]),
        await create(other, ["http://127.0.0.2:*"]),
        await create(other, ["http:"]),
        await create(other, ["https:", `https://127.0.0.2:${port}`, "http://127.0.0.3:*"]),
        await create(`${origin}/checkpoints/none/`, []),
        await create(own, ["example.org"]),
        await create(own, ["https://example.org/path"]),
        await create(own, "https://example.org"),
      ];
    },
    /** @type {const} */ ([server.url("/packs/tiny-silu-int8/"), foreign.url("/packs/tiny-silu-int8/")]),
  );
  const refused = "input-invalid";
  assert.deepEqual(outcomes, ["made", refused, "made", "made", "made", refused, refused, refused, refused, refused]);
});

test("a policy without wasm-unsafe-eval is named, and no browser blamed", async () => {
  const policy = (/** @type {string} */ scripts) => ({
    "content-security-policy": `script-src ${scripts}; worker-src 'self' blob: http:`,
  });
  const create = async (/** @type {import("./server.mjs").Fault} */ fault, /** @type {string | undefined} */ baseUrl) => {
    const page = await environment.browser.newPage();
    await page.goto(`${environment.server.spoilt("/felsic/", fault)}blank.html`);
    await page.waitForFunction(() => "felsic" in globalThis);
    const model = environment.server.url("/packs/tiny-silu-int8/");
    const options = { model, ...(baseUrl !== undefined && { baseUrl }) };
    const settled = await page.evaluate((options) => settle(felsic.Embedder.create(options)), options);
    await page.close();
    return settled;
  };
  const own = await create({ file: /^worker-/, headers: policy("'self'") }, undefined);
  // A worker that a Blob has started has the page's policy.
  const other = await create({ file: /^blank\.html/, headers: policy("'self' http:") }, foreign.url("/felsic/"));
  for (const { code, message } of [own, other]) {
    assert.equal(code, "device-unavailable", message);
    assert.match(message ?? "", /content security policy.*'wasm-unsafe-eval'.*script-src/);
  }
  const allowed = policy("'self' 'wasm-unsafe-eval' http:");
  assert.equal((await create({ file: /^worker-/, headers: allowed }, undefined)).ok, true);
  assert.equal((await create({ file: /^blank\.html/, headers: allowed }, foreign.url("/felsic/"))).ok, true);
});

test("the demo's server sends the policy with scripts too, so that it binds the workers", async () => {
  await preview(async (url) => {
    const page = await environment.browser.newPage();
    /** @type {string[]} */
    const unbound = [];
    page.on("response", (response) => {
      const policy = response.headers()["content-security-policy"] ?? "";
      if (!/connect-src 'self' https:/.test(policy) || !/frame-ancestors 'none'/.test(policy)) unbound.push(response.url());
    });
    await page.goto(url);
    await page.waitForFunction(() => document.querySelector(".model.ready"));
    assert.deepEqual(unbound, []);
    const worker = page.workers()[0];
    assert.ok(worker);
    foreign.requests.splice(0);
    const asked = await worker.evaluate(
      (other) =>
        fetch(other).then(
          () => "answered",
          () => "refused",
        ),
      foreign.url("/packs/tiny-silu-int8/manifest.json"),
    );
    assert.equal(asked, "refused");
    assert.deepEqual(foreign.requests, []);
    await page.close();
  });
});
