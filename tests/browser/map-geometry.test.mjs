/** What the map is computed with: views, lassos, the grid, places of names, colours. No browser is needed. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { before, test } from "node:test";
import { root } from "./harness.mjs";
import { mapModules } from "./map-harness.mjs";

/** @typedef {{ x: number, y: number }} Point */

/** @type {import("./map-harness.mjs").MapModules} */
let modules;

before(async () => {
  modules = await mapModules();
});

/** Numbers that look random and are the same each time. @param {number} seed */
function seeded(seed) {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

/** @param {number} count @param {number} seed */
function scattered(count, seed) {
  const random = seeded(seed);
  const axis = () => Float32Array.from({ length: count }, () => 2 * random() - 1);
  return { x: axis(), y: axis() };
}

/** @param {Point} a @param {Point} b @param {number} most */
function isNear(a, b, most = 1e-6) {
  assert.ok(Math.hypot(a.x - b.x, a.y - b.y) <= most, `${a.x},${a.y} and ${b.x},${b.y}`);
}

const SIZE = { width: 800, height: 500 };

test("a place on the screen is the place on the plane that is shown there", () => {
  const { toScreen, toPlane } = modules.view;
  const view = { x: 0.2, y: -0.4, scale: 300 };
  isNear(toScreen(view, SIZE, view), { x: 400, y: 250 });
  isNear(toScreen(view, SIZE, { x: 0.3, y: -0.3 }), { x: 430, y: 220 });
  isNear(toPlane(view, SIZE, toScreen(view, SIZE, { x: -0.7, y: 0.9 })), { x: -0.7, y: 0.9 });
});

test("zooming keeps what is under the pointer there; panning moves it with the pointer; neither leaves the map", () => {
  const { fitted, kept, panned, toPlane, toScreen, WHOLE, zoomed } = modules.view;
  let view = fitted(WHOLE, SIZE);
  const at = { x: 620, y: 130 };
  const fixed = toPlane(view, SIZE, at);
  for (const factor of [1.3, 2, 0.9, 4]) {
    view = zoomed(view, SIZE, factor, at);
    isNear(toScreen(view, SIZE, fixed), at, 1e-3);
  }
  const moved = panned(view, SIZE, { x: -30, y: 12 });
  isNear(toScreen(moved, SIZE, fixed), { x: 590, y: 142 }, 1e-3);
  assert.deepEqual(kept(zoomed(view, SIZE, 1e9, at), SIZE), zoomed(view, SIZE, 1e9, at));
  assert.ok(zoomed(view, SIZE, 1e9, at).scale < 1e6 && zoomed(view, SIZE, 1e-9, at).scale > 1);
  const far = panned(view, SIZE, { x: 1e9, y: 1e9 });
  assert.ok(Math.abs(far.x) < 1.5 && Math.abs(far.y) < 1.5);
});

test("a box that is fitted is seen whole, in any window; a single place, too", () => {
  const { fitted, toScreen } = modules.view;
  const box = { left: -0.3, right: 0.9, low: 0.1, high: 0.2 };
  for (const size of [SIZE, { width: 320, height: 700 }, { width: 60, height: 60 }, { width: 1, height: 1 }]) {
    const view = fitted(box, size);
    const low = toScreen(view, size, { x: box.left, y: box.low });
    const high = toScreen(view, size, { x: box.right, y: box.high });
    assert.ok(Number.isFinite(view.scale) && view.scale > 0);
    if (size.width < 100) continue;
    assert.ok(
      low.x >= 30 && high.x <= size.width - 30 && high.y >= 30 && low.y <= size.height - 30,
      JSON.stringify({ low, high }),
    );
  }
  assert.ok(fitted({ left: 0.5, right: 0.5, low: 0, high: 0 }, SIZE).scale < 1e5);
});

test("a flight begins and ends where it should, and grows evenly", () => {
  const { between } = modules.view;
  const [from, to] = [
    { x: 0, y: 0, scale: 100 },
    { x: 1, y: -1, scale: 10_000 },
  ];
  assert.deepEqual(between(from, to, 0), from);
  assert.deepEqual(between(from, to, 1), to);
  assert.ok(Math.abs(between(from, to, 0.5).scale - 1000) < 1e-6);
});

test("points grow when one zooms in, and many are smaller than few", () => {
  const { fitted, radiusOf, WHOLE } = modules.view;
  const whole = fitted(WHOLE, SIZE);
  const radius = (/** @type {number} */ zoom, /** @type {number} */ count) =>
    radiusOf({ ...whole, scale: whole.scale * zoom }, SIZE, count);
  assert.ok(radius(8, 1000) > radius(2, 1000) && radius(2, 1000) > radius(1, 1000));
  assert.ok(radius(1, 100_000) < radius(1, 1000) && radius(1, 100_000) > 0.7);
  assert.ok(radius(300, 10) <= 9);
});

test("a lasso contains what it goes around", () => {
  const { isWithin, rectangle } = modules.shapes;
  // The letter C, open to the right.
  const line = [
    [0, 0],
    [4, 0],
    [4, 1],
    [1, 1],
    [1, 3],
    [4, 3],
    [4, 4],
    [0, 4],
  ].map(([x, y]) => ({ x, y }));
  assert.ok(isWithin(line, 0.5, 2) && isWithin(line, 3, 0.5) && isWithin(line, 3, 3.5));
  assert.ok(!isWithin(line, 3, 2) && !isWithin(line, 5, 2) && !isWithin(line, -1, 0.5));
  assert.ok(!isWithin([], 0, 0) && !isWithin([{ x: 0, y: 0 }], 0, 0));
  const box = rectangle({ x: 3, y: 2 }, { x: -1, y: 7 });
  assert.ok(isWithin(box, 0, 3) && !isWithin(box, 0, 1) && !isWithin(box, 4, 3));
});

test("the grid finds what a look at all points finds", () => {
  const { Grid } = modules.grid;
  const { isWithin } = modules.shapes;
  for (const count of [0, 1, 3, 500, 20_000]) {
    const { x, y } = scattered(count, 4);
    // Some at the very edges, and two at one place.
    if (count > 3) [x[0], y[0], x[1], y[1], x[2], y[2]] = [1, -1, -1, 1, -1, 1];
    const grid = new Grid(x, y);
    const random = seeded(9);
    for (let tried = 0; tried < 40; tried += 1) {
      const at = tried === 0 ? { x: -1, y: 1 } : { x: 2.4 * random() - 1.2, y: 2.4 * random() - 1.2 };
      const distance = tried % 2 ? 0.05 : 0.6;
      const away = Array.from(x, (value, i) => Math.hypot(value - at.x, Number(y[i]) - at.y));
      const least = Math.min(...away);
      const found = grid.nearest(at, distance);
      if (least > distance) assert.equal(found, undefined);
      else assert.ok(Math.abs(Number(away[found]) - least) < 1e-6, `${found}: ${away[found]} instead of ${least}`);
      const line = Array.from({ length: 5 }, () => ({ x: at.x + random() - 0.5, y: at.y + random() - 0.5 }));
      const within = Array.from(x.keys()).filter((i) => isWithin(line, Number(x[i]), Number(y[i])));
      assert.deepEqual(grid.within(line), within);
    }
  }
  const { x, y } = scattered(100_000, 5);
  const grid = new Grid(x, y);
  const begin = performance.now();
  for (let i = 0; i < 1000; i += 1) grid.nearest({ x: Number(x[i]), y: Number(y[i + 1]) }, 0.02);
  const took = (performance.now() - begin) / 1000;
  assert.ok(took < 1, `${took} ms for one point of 100,000`);
});

test("names never overlap or cross the edges; the first choose first, and those out of sight have no place", () => {
  const { placeLabels } = modules["label-places"];
  const random = seeded(2);
  const labels = Array.from({ length: 60 }, () => ({
    at: { x: 1000 * random() - 100, y: 700 * random() - 100 },
    size: { width: 60 + 100 * random(), height: 20 },
  }));
  labels.unshift({ at: { x: 400, y: 250 }, size: { width: 100, height: 20 } });
  /** @type {(Point | undefined)[]} */
  const places = placeLabels(labels, SIZE);
  assert.deepEqual(places[0], { x: 400, y: 224 }, "above the middle of its cluster");
  const shown = places.flatMap((place, i) => (place ? [{ ...place, ...labels[i]?.size }] : []));
  assert.ok(shown.length > 15, `${shown.length} names`);
  for (const [i, a] of shown.entries()) {
    assert.ok(a.x - Number(a.width) / 2 >= 0 && a.x + Number(a.width) / 2 <= 800 && a.y - 10 >= 0 && a.y + 10 <= 500);
    for (const b of shown.slice(0, i)) {
      const apart = Math.abs(a.x - b.x) >= (Number(a.width) + Number(b.width)) / 2 || Math.abs(a.y - b.y) >= 20;
      assert.ok(apart, JSON.stringify([a, b]));
    }
  }
  for (const [i, { at }] of labels.entries()) {
    if (at.x < 0 || at.x > 800 || at.y < 0 || at.y > 500) assert.equal(places[i], undefined);
  }
});

test("a cluster's name is where most of it is, and clusters that are near each other differ in colour", () => {
  const { coloured, middles } = modules.groups;
  const { x, y } = scattered(300, 8);
  const cluster = Uint8Array.from(x, (_, i) => i % 2);
  // Two thirds of cluster 0 are at one place, a third at another; in between there is nothing.
  for (let i = 0; i < 300; i += 2) [x[i], y[i]] = i % 3 ? [0.8, 0.8] : [-0.8, -0.8];
  isNear(middles(x, y, cluster, 3)[0], { x: 0.8, y: 0.8 }, 1e-3);
  assert.deepEqual(middles(x, y, cluster, 3)[2], { x: 0, y: 0 });
  const places = Array.from({ length: 30 }, (_, i) => ({ x: (i % 6) / 3 - 1, y: Math.floor(i / 6) / 3 - 1 }));
  /** @type {number[]} */
  const colours = coloured(places, 8);
  assert.equal(new Set(colours).size, 8);
  for (const [i, a] of places.entries()) {
    for (const [j, b] of places.entries()) {
      if (i === j || Math.hypot(a.x - b.x, a.y - b.y) > 0.34) continue;
      assert.notEqual(colours[i], colours[j], `${i} and ${j}`);
    }
  }
  assert.deepEqual(coloured([], 8), []);
});

test("a document without a cluster has that of its nearest one", () => {
  const { chartOf } = modules.chart;
  const layout = { ids: ["a", "b", "c", "d"], x: Float32Array.of(-0.9, 0.9, 0.8, -0.7), y: new Float32Array(4) };
  const of = new Map([
    ["a", 1],
    ["b", 0],
  ]);
  const { cluster, groups } = chartOf(layout, { of, words: [["right"], ["left"]] }, 2);
  assert.deepEqual([...cluster], [1, 0, 0, 1]);
  assert.deepEqual(
    groups.map((/** @type {any} */ { size, words }) => [words[0], size]),
    [
      ["right", 2],
      ["left", 2],
    ],
  );
  assert.equal(chartOf({ ids: [], x: new Float32Array(), y: new Float32Array() }, { of, words: [] }, 0).groups.length, 0);
});

test("the first words of a document are read without markup, and cut between words", async () => {
  const { beginning, nameOf, Previews } = modules.previews;
  assert.equal(beginning("  one\n\n two\t three ", false), "one two three");
  assert.equal(beginning("<head><title>x</title></head><p>one <b>two</b></p><script>let a;</script>", true), "one two");
  const long = beginning("word ".repeat(100), false);
  assert.ok(long.length <= 165 && long.endsWith("word …"), long);
  assert.ok(!/[\uD800-\uDBFF](?![\uDC00-\uDFFF])/.test(beginning("😀".repeat(200), false)));
  assert.equal(nameOf("notes/a/b.md"), "b.md");
  const collection = { get: async () => ({ text: "# Cats\n\n- They **sleep** a [lot](./lot.md).", kind: "markdown" }) };
  assert.deepEqual(await new Previews(collection).of("notes/cats.md"), { title: "cats.md", words: "Cats - They sleep a lot." });
});

/** The colours of the style sheet, of both themes. */
function palette() {
  const css = readFileSync(join(root, "www/src/map/map.css"), "utf8");
  const pairs = [...css.matchAll(/--map-\d: light-dark\((#\w{6}), (#\w{6})\)/g)];
  const parse = (/** @type {string | undefined} */ hex) =>
    [1, 3, 5].map((at) => parseInt(String(hex).slice(at, at + 2), 16) / 255);
  return { light: pairs.map(([, light]) => parse(light)), dark: pairs.map(([, , dark]) => parse(dark)) };
}

const linear = (/** @type {number} */ value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);

/** How people with full deuteranopia and protanopia see linear colours (Viénot, Brettel and Mollon 1999), and others. */
const EYES = {
  usual: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.11238, 0.88762, 0],
    [0.11238, 0.88762, 0],
    [0.00401, -0.00401, 1],
  ],
  deuteranopia: [
    [0.29275, 0.70725, 0],
    [0.29275, 0.70725, 0],
    [-0.02234, 0.02234, 1],
  ],
};

/** Coordinates in OKLab. @param {number[]} rgb linear */
function oklab([r = 0, g = 0, b = 0]) {
  const [l, m, s] = [
    0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b,
    0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b,
    0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b,
  ].map((value) => Math.cbrt(Math.max(0, value)));
  const [L, M, S] = [Number(l), Number(m), Number(s)];
  return [
    0.2104542553 * L + 0.793617785 * M - 0.0040720468 * S,
    1.9779984951 * L - 2.428592205 * M + 0.4505937099 * S,
    0.0259040371 * L + 0.7827717662 * M - 0.808675766 * S,
  ];
}

test("colours of clusters differ for everyone, in both themes, and from the ground", (context) => {
  const grounds = { light: [1, 1, 1], dark: [0.11, 0.1, 0.09] };
  for (const [theme, colours] of Object.entries(palette())) {
    assert.equal(colours.length, modules.theme.COLOURS);
    for (const [eye, matrix] of Object.entries(EYES)) {
      const seen = [...colours, grounds[/** @type {"light" | "dark"} */ (theme)]].map((colour) => {
        const rgb = colour.map(linear);
        return oklab(matrix.map((row) => row.reduce((sum, weight, i) => sum + weight * Number(rgb[i]), 0)));
      });
      let least = { away: Infinity, pair: "" };
      for (const [i, a] of seen.entries()) {
        for (const [j, b] of seen.slice(0, i).entries()) {
          const away = Math.hypot(...a.map((value, at) => value - Number(b[at])));
          if (away < least.away) least = { away, pair: `${j + 1} and ${i + 1}` };
        }
      }
      context.diagnostic(`${theme}, ${eye}: ${least.away.toFixed(3)}, colours ${least.pair}`);
      assert.ok(least.away > 0.09, `${theme}, ${eye}: ${least.away} between ${least.pair}`);
    }
  }
});

test("while the map moves, fewer points are drawn where frames are slow, and all when it rests", () => {
  const { Detail, REST } = modules.detail;
  const run = (/** @type {number} */ gap, /** @type {any} */ detail, /** @type {number} */ from) => {
    let [now, share] = [from, 1];
    for (let frame = 0; frame < 40; frame += 1, now += gap) {
      detail.moved(now);
      share = detail.share(now);
    }
    return { now, share };
  };
  const detail = new Detail();
  assert.equal(run(16, detail, 0).share, 1);
  const slow = run(120, detail, 1000);
  assert.ok(slow.share > 0 && slow.share < 0.1, String(slow.share));
  assert.equal(detail.share(slow.now + REST), 1);
  assert.equal(run(16, detail, slow.now + 1000).share, 1);
  // A first movement after a pause is not slow.
  const pausing = new Detail();
  pausing.share(0);
  pausing.moved(5000);
  assert.equal(pausing.share(5000), 1);
});

test("computed colours are read in both ways of writing them", () => {
  const { parsed } = modules.theme;
  assert.deepEqual(parsed("rgb(255, 0, 51)"), [1, 0, 0.2]);
  assert.deepEqual(parsed("rgba(0, 255, 0, 0.5)"), [0, 1, 0]);
  assert.deepEqual(parsed("color(srgb 0.25 0.5 1)"), [0.25, 0.5, 1]);
});
