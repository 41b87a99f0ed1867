/** The reading of files in the page's own worker, under the page's own policy. */

import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { files, png } from "../fixtures/files/make.mjs";
import { zip } from "../fixtures/files/packing.mjs";
import { pdf, pdfText, stream } from "../fixtures/files/pdf.mjs";
import { hasFirefox, launchFirefox } from "./firefox.mjs";
import { launch } from "./harness.mjs";
import { compared, EXPECTED, PDF, WINDOWS } from "./reading-expected.mjs";
import { buildReadingPage, readingModules } from "./reading-modules.mjs";
import { Server } from "./server.mjs";

/** Where the page is built. @type {string} */
let folder;
/** @type {Server} */
let server;
/** @type {string} */
let url;
/** @type {Awaited<ReturnType<typeof launch>>} */
let browser;
/** @type {import("playwright-core").Page} */
let page;
/** @type {string[]} */
const said = [];

before(async () => {
  const [built, { policy }] = await Promise.all([buildReadingPage(), readingModules()]);
  folder = built;
  server = await Server.start({ "/reading/": [folder] });
  url = `${server.spoilt("/reading/", { file: /./, headers: policy.HEADERS })}index.html`;
  browser = await launch();
  page = await open();
});

after(async () => {
  await browser?.close();
  await server?.close();
});

async function open() {
  const page = await browser.newPage();
  // The page has no icon.
  page.on("console", (message) => message.location().url.endsWith("favicon.ico") || said.push(message.text()));
  page.on("pageerror", (error) => said.push(String(error)));
  await page.goto(url);
  return page;
}

/** Reads files in the page, one after another. @param {Record<string, Buffer>} all */
function encoded(all) {
  return Object.entries(all).map(([name, bytes]) => [name, bytes.toString("base64")]);
}

/** Runs in the page. @param {string[][]} files */
async function readAll(files) {
  const reader = (globalThis.reader ??= new Reader());
  /** @type {Record<string, any[]>} */
  const results = {};
  for (const [name = "", base64 = ""] of files) {
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    /** @type {any[]} */
    const own = (results[name] = []);
    for await (const result of reader.read(new File([bytes], name), name)) own.push(result);
  }
  return results;
}

/** @param {Record<string, any[]>} results */
const withoutDetails = (results) => Object.fromEntries(Object.entries(results).map(([name, list]) => [name, compared(list)]));

test("all formats are read in the worker, under the policy, with no request but for the page's own scripts", async () => {
  server.requests.splice(0);
  const results = withoutDetails(await page.evaluate(readAll, encoded(files())));
  assert.deepEqual(results, { ...EXPECTED, ...PDF, ...WINDOWS });
  assert.deepEqual(said, []);
  const others = server.requests.filter(
    (path) => path !== "/favicon.ico" && !/\/assets\/(?:worker|pdf|pdf-worker)-[\w-]+\.js$/.test(path),
  );
  assert.deepEqual(others, []);
});

test("no script of the page makes code from text, and pdf.js has its licence with it", () => {
  const scripts = readdirSync(join(folder, "assets")).filter((name) => name.endsWith(".js"));
  assert.ok(scripts.length >= 4, scripts.join());
  for (const name of scripts)
    assert.doesNotMatch(readFileSync(join(folder, "assets", name), "utf8"), /\bnew Function\b|\beval\(/, name);
  assert.match(readFileSync(join(folder, "assets/pdf/LICENSE"), "utf8"), /Apache License/);
});

test("a PDF of an Asian font gets its table of characters from the page's host", async () => {
  const font =
    "<< /Type /Font /Subtype /Type0 /BaseFont /HeiseiMin-W3 /Encoding /UniJIS-UTF16-H /DescendantFonts [<< /Type /Font /Subtype /CIDFontType0 /BaseFont /HeiseiMin-W3 /CIDSystemInfo << /Registry (Adobe) /Ordering (Japan1) /Supplement 4 >> /FontDescriptor << /Type /FontDescriptor /FontName /HeiseiMin-W3 /Flags 4 /ItalicAngle 0 /Ascent 800 /Descent -200 /CapHeight 700 /StemV 80 /FontBBox [0 -200 1000 800] >> >>] >>";
  const asian = pdf({ pages: ["BT /F 20 Tf 40 500 Td <706F53F0> Tj ET"], font });
  server.requests.splice(0);
  const results = await page.evaluate(readAll, encoded({ "asian.pdf": asian }));
  assert.equal(results["asian.pdf"]?.[0].text, "灯台");
  assert.ok(server.requests.every((path) => path.includes("/assets/pdf/cmaps/")) && server.requests.length > 0);
});

test("a PDF whose fonts do not say which letters they show is refused", async () => {
  const table = stream(
    "/CIDInit /ProcSet findresource begin 12 dict begin begincmap 1 begincodespacerange <00> <ff> endcodespacerange 1 beginbfrange <20> <7e> <e020> endbfrange endcmap end end",
  );
  const font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R >>";
  const garbled = pdf({ pages: ["BT /F 12 Tf 40 500 Td (Nobody can read this) Tj ET"], font, others: [table] });
  const results = withoutDetails(await page.evaluate(readAll, encoded({ "garbled.pdf": garbled })));
  assert.deepEqual(results, { "garbled.pdf": [{ path: "garbled.pdf", code: "encoding" }] });
});

test("a PDF's page that is broken keeps no other out", async () => {
  const pages = ["BT /F 12 Tf 40 500 Td (One) Tj ET", "BT /F 12 Tf 40 500 Td (Two) Tj ET", "BT /F 12 Tf 40 500 Td (Three) Tj ET"];
  const whole = pdf({ pages }).toString("latin1");
  const broken = Buffer.from(whole.replace("6 0 obj\n<< /Type /Page ", "6 0 obj\n<< /Type /Nope "), "latin1");
  const { "broken.pdf": results = [] } = await page.evaluate(readAll, encoded({ "broken.pdf": broken }));
  assert.match(results[0]?.text ?? "", /One[^]*Three/);
  assert.equal(results[0].pages.length, 3);
  for (const result of results.slice(1)) assert.equal(result.code, "damaged");
});

test("spoilt PDFs end in a refusal or a document", { timeout: 60_000 }, async () => {
  const whole = pdfText();
  let seed = 7;
  const random = (/** @type {number} */ below) => (seed = (seed * 48271) % 0x7fffffff) % below;
  /** @type {Record<string, Buffer>} */
  const all = {};
  const count = process.env.FELSIC_TEST_FULL ? 2000 : 40;
  for (let i = 0; i < count; i += 1) {
    const bytes = Buffer.from(whole.subarray(0, i % 3 === 0 ? 20 + random(whole.length - 20) : whole.length));
    for (let flips = 1 + random(8); flips > 0; flips -= 1) {
      const at = 8 + random(bytes.length - 8);
      bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random(8)), at);
    }
    all[`${i}.pdf`] = bytes;
  }
  const read = await page.evaluate(readAll, encoded(all));
  // pdf.js may tell the console of a broken file.
  said.splice(0);
  for (const [name, results] of Object.entries(read)) {
    assert.ok(results.length > 0, name);
    for (const result of results) assert.ok(result.text?.trim() || result.code, name);
  }
});

/** Runs in the page: draws a page of a PDF, and counts dark pixels in the boxes and beside them. @param {string} base64 */
async function draw(base64) {
  const file = new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], "a.pdf");
  const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector("canvas"));
  const { renderPage, PdfView } = await pdfPage();
  const highlight = "rocks and\nshallows.  Its LAMP turns";
  const first = await renderPage(file, 1, canvas, { width: 800, highlight });
  const ratio = canvas.width / 800;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  const dark = first.boxes.map((/** @type {Record<string, number>} */ { x = 0, y = 0, width = 0, height = 0 }) => {
    const { data } = context.getImageData(x * ratio, y * ratio, width * ratio, height * ratio);
    return data.filter((value, i) => i % 4 === 0 && value < 128).length;
  });
  const view = await PdfView.open(file);
  // A passage of both pages is marked on each as far as it is there.
  const passage = "until the lamps were automatic, which most of them are today. The last keeper left in 1998.";
  const both = [];
  for (const number of [1, 2]) both.push((await view.render(number, canvas, { width: 200, highlight: passage })).boxes.length);
  const none = (await view.render(2, canvas, { width: 200, highlight: "nowhere to be found at all" })).boxes;
  const aborted = await view.render(1, canvas, { width: 200, signal: AbortSignal.abort(new Error("no")) }).catch(String);
  const beyond = await view.render(3, canvas, { width: 200 }).catch(() => "no such page");
  view.close();
  const refused = await renderPage(new File(["%PDF-1.7 nothing"], "b.pdf"), 1, canvas, { width: 200 }).catch(
    (/** @type {any} */ error) => error.code,
  );
  return { first, dark, both, none, aborted, beyond, refused };
}

/** @param {Awaited<ReturnType<typeof draw>>} drawn */
function checkDrawn({ first, dark, both, none, aborted, beyond, refused }) {
  const { boxes, ...size } = first;
  assert.deepEqual(size, { width: 800, height: 1200, pages: 2 });
  // Two lines: the first box ends where its line does, the second begins there.
  assert.equal(boxes.length, 2);
  const [one, two] = boxes;
  assert.ok(one.x > 300 && one.y > 150 && one.y + one.height < 190 && one.height < 30, JSON.stringify(one));
  assert.ok(Math.abs(two.x - 80) < 2 && two.y > one.y + 20 && two.x + two.width < 400, JSON.stringify(two));
  for (const count of dark) assert.ok(count > 100, `${count} dark pixels`);
  assert.deepEqual(both, [1, 2]);
  assert.deepEqual(
    { none, aborted, beyond, refused },
    { none: [], aborted: "Error: no", beyond: "no such page", refused: "damaged" },
  );
}

test("a page of a PDF is drawn under the policy, and a text's boxes are where it stands", async () => {
  server.requests.splice(0);
  checkDrawn(await page.evaluate(draw, pdfText().toString("base64")));
  assert.deepEqual(said, []);
  assert.ok(
    server.requests.every((path) => /\/assets\//.test(path)),
    server.requests.join(),
  );
});

test("an abort and an early end leave the reader ready for the next file", async () => {
  const many = zip(Array.from({ length: 500 }, (_, i) => ({ name: `${i}.txt`, data: `Note ${i}.` })));
  const outcome = await page.evaluate(async (base64) => {
    const file = new File([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))], "many.zip");
    const reader = new Reader();
    const abort = new AbortController();
    let [read, thrown] = [0, ""];
    try {
      for await (const _ of reader.read(file, "many.zip", { signal: abort.signal })) {
        read += 1;
        if (read === 3) abort.abort(new Error("enough"));
      }
    } catch (error) {
      thrown = String(error);
    }
    for await (const _ of reader.read(file, "many.zip")) break;
    // Both are asked for at once; the second waits for the first.
    const count = async () => {
      let number = 0;
      for await (const _ of reader.read(file, "many.zip")) number += 1;
      return number;
    };
    const both = await Promise.all([count(), count()]);
    const part = await (await reader.part(file, "many.zip", "many.zip/499.txt"))?.text();
    const none = await reader.part(file, "many.zip", "many.zip/500.txt");
    reader.close();
    const closed = await reader
      .read(file, "many.zip")
      .next()
      .catch((/** @type {Error} */ error) => error.name);
    return { read, thrown, both, part, none, closed };
  }, many.toString("base64"));
  assert.deepEqual(outcome, {
    read: 3,
    thrown: "Error: enough",
    both: [500, 500],
    part: "Note 499.",
    none: undefined,
    closed: "AbortError",
  });
});

test("a worker that breaks down or hangs is replaced, and costs one file", async () => {
  const own = await open();
  const outcome = await own.evaluate(async () => {
    const Real = Worker;
    /** @type {Worker[]} */
    const workers = [];
    let isDeaf = false;
    globalThis.Worker = class extends Real {
      /** @param {string | URL} url @param {WorkerOptions} [options] */
      constructor(url, options) {
        super(url, options);
        workers.push(this);
      }
      /** @override @param {any} message */
      postMessage(message) {
        if (!isDeaf || message.type !== "read") super.postMessage(message);
        else isDeaf = false;
      }
    };
    const reader = new Reader({ look: 200 });
    const read = async () => {
      const results = [];
      for await (const result of reader.read(new File(["A note."], "a.txt"), "a.txt")) results.push(result.text ?? result.detail);
      return results;
    };
    const results = [await read()];
    isDeaf = true;
    results.push(await read(), await read());
    const broken = read();
    await Promise.resolve().then(() => {});
    workers.at(-1)?.dispatchEvent(new ErrorEvent("error", { message: "out of memory" }));
    results.push(await broken, await read());
    const count = workers.length;
    reader.close();
    return { results, count };
  });
  const note = ["A note."];
  assert.deepEqual(outcome, { results: [note, ["reading does not end"], note, ["reading breaks down"], note], count: 3 });
  await own.close();
});

test("with a reader whose script cannot be loaded, files are unreadable", async () => {
  const own = await open();
  await own.route(/\/worker-/, (route) => route.abort());
  const codes = await own.evaluate(async () => {
    const codes = [];
    for await (const result of new Reader().read(new File(["A note."], "a.txt"), "a.txt")) codes.push(result.code);
    return codes;
  });
  assert.deepEqual(codes, ["unreadable"]);
  await own.close();
});

test("a PDF whose reader cannot be loaded is unreadable, and the next file is read", async () => {
  const own = await open();
  // What a worker loads does not pass through the page's routes.
  const fault = server.spoilt("/reading/", { file: /^pdf-worker-/, status: 404 });
  await own.goto(`${fault}index.html`);
  const results = await own.evaluate(readAll, encoded({ "a.pdf": pdfText(), "a.txt": Buffer.from("A note.") }));
  assert.equal(results["a.pdf"]?.[0].code, "unreadable");
  assert.equal(results["a.txt"]?.[0].text, "A note.");
  await own.close();
});

test("a worker of PDF that listens late is waited for, and one that falls silent is replaced", async () => {
  // What a module is sent while it waits is lost.
  const late = (/** @type {Buffer} */ bytes) => `await new Promise((resolve) => setTimeout(resolve, 1000));\n${bytes}`;
  const ignore = (/** @type {MessageEvent} */ event) => {
    if (event.data.action === "GetTextContent") event.stopImmediatePropagation();
  };
  const deaf = (/** @type {Buffer} */ bytes) => `addEventListener("message", ${ignore});\n${bytes}`;
  /** Reads two files with a worker whose first start is another. @param {(bytes: Buffer) => string} change */
  const read = async (change) => {
    const own = await open();
    const fault = { file: /^pdf-worker-/, type: "text/javascript", times: 1, change };
    await own.goto(`${server.spoilt("/reading/", fault)}index.html`);
    const start = performance.now();
    const results = await own.evaluate(readAll, encoded({ "a.pdf": pdfText(), "b.pdf": pdfText() }));
    const took = performance.now() - start;
    await own.close();
    assert.deepEqual([results["a.pdf"]?.[0].pages, results["b.pdf"]?.[0].pages.length], [results["b.pdf"]?.[0].pages, 2]);
    return took;
  };
  const [waited = 0, ...replaced] = await Promise.all([late, () => "", deaf].map(read));
  // The first was no worse than late: nothing was begun anew.
  assert.ok(waited < 15_000 && replaced.every((took) => took >= 15_000), [waited, ...replaced].join());
});

test("a PDF's page that takes forever ends", { skip: !process.env.FELSIC_TEST_FULL && "takes a minute" }, async () => {
  const own = await open();
  await own.goto(`${server.spoilt("/reading/", { file: /^pdf-worker-/, change: () => "", type: "text/javascript" })}index.html`);
  const results = await own.evaluate(readAll, encoded({ "a.pdf": pdfText() }));
  assert.deepEqual(compared(results["a.pdf"] ?? []), [{ path: "a.pdf", code: "damaged" }]);
  await own.close();
});

test("the formats are read in Firefox, too", { skip: !hasFirefox && "there is no Firefox" }, async () => {
  const firefox = await launchFirefox();
  try {
    const own = await firefox.newPage(url);
    const results = withoutDetails(await own.evaluate(readAll, encoded({ ...files(), "again.png": png() })));
    assert.deepEqual(results, { ...EXPECTED, ...PDF, ...WINDOWS, "again.png": [{ path: "again.png", code: "binary" }] });
    checkDrawn(await own.evaluate(draw, pdfText().toString("base64")));
  } finally {
    await firefox.close();
  }
});
