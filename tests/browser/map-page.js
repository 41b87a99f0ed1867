/** Mounts the map over a collection that computes nothing, or over a real one. Bundled by map-harness.mjs. */

import { signal } from "@preact/signals";
import { h, render } from "preact";
// The bundler shows the page's modules under these names.
// @ts-ignore
import { speak } from "./app/messages/index.js";
// @ts-ignore
import { MapView } from "./map/index.js";
// @ts-ignore
import { boxAround } from "./map/shapes.js";
// @ts-ignore
import { fitted, kept, toScreen } from "./map/view.js";

/** Numbers that look random and are the same each time. @param {number} seed */
function seeded(seed) {
  let state = seed;
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

const WORDS = ["harbour", "bread", "comet", "goal", "violin", "meadow", "ledger", "glacier", "engine", "poem", "court", "fever"];

/** A collection with documents in groups, each around a place of its own on a circle. */
class FakeCollection {
  /** How often layouts were made, with and without an earlier one. */
  calls = { anew: 0, from: 0, clusters: 0, place: 0 };
  /** Held back until this settles, if it is there. @type {Promise<void> | undefined} */
  gate;
  /** @type {unknown} */
  failure;

  /** @param {number} count @param {number} groups */
  constructor(count, groups, name = "library") {
    this.groups = groups;
    this.name = name;
    const random = seeded(5);
    const gaussian = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    this.documents = Array.from({ length: count }, (_, i) => {
      const group = i % groups;
      const angle = (2 * Math.PI * group) / groups;
      const spread = 0.5 / groups + 0.03;
      const inside = (/** @type {number} */ value) => Math.max(-1, Math.min(1, value));
      return {
        id: `notes/${WORDS[group % WORDS.length]}/${String(i).padStart(6, "0")}.md`,
        group,
        x: inside(0.75 * Math.cos(angle) + spread * gaussian()),
        y: inside(0.75 * Math.sin(angle) + spread * gaussian()),
      };
    });
    this.documents.sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  get info() {
    return { name: this.name, space: "fake", documents: this.documents.length };
  }

  /** @param {any} [options] */
  async layout({ from, signal, onProgress } = {}) {
    this.calls[from ? "from" : "anew"] += 1;
    onProgress?.({ share: 0.4 });
    await new Promise((resolve, reject) => {
      signal?.addEventListener("abort", () => reject(Object.assign(new Error("aborted"), { code: "aborted" })));
      Promise.resolve(this.gate).then(resolve, reject);
    });
    if (this.failure) throw this.failure;
    onProgress?.({ share: 1 });
    return {
      ids: this.documents.map(({ id }) => id),
      x: Float32Array.from(this.documents, ({ x }) => x),
      y: Float32Array.from(this.documents, ({ y }) => y),
    };
  }

  async clusters() {
    this.calls.clusters += 1;
    return Array.from({ length: this.groups }, (_, group) => {
      const ids = this.documents.filter((document) => document.group === group).map(({ id }) => id);
      const word = WORDS[group % WORDS.length];
      return { label: [word, `${word}s`, `${word} ${group}`, "further"], ids, size: ids.length };
    });
  }

  /** @param {string} query */
  async place(query) {
    this.calls.place += 1;
    const found = this.documents.find(({ id }) => id.includes(query));
    return found && { x: found.x, y: found.y };
  }

  /** @param {string} id */
  async get(id) {
    const document = this.documents.find((document) => document.id === id);
    return document && { id, title: `Title of ${document.group}`, text: `  The first\n\nwords of ${id}  `, kind: "text" };
  }
}

const library = { collection: signal(/** @type {any} */ (undefined)), version: signal(0) };
const hits = signal(/** @type {{ id: string }[]} */ ([]));
const query = signal("");
const selected = signal(/** @type {readonly string[] | undefined} */ (undefined));

const view = {
  library,
  hits,
  query,
  speak,
  /** @type {any[]} */
  opened: [],
  /** @type {(readonly string[] | undefined)[]} */
  selected: [],
  FakeCollection,
  /** Shows the map of a collection. @param {any} collection */
  show(collection) {
    library.collection.value = collection;
    const props = {
      library,
      hits,
      query,
      onOpen: (/** @type {any} */ place) => view.opened.push(place),
      selected,
      onSelect: (/** @type {any} */ ids) => {
        selected.value = ids;
        view.selected.push(ids);
      },
    };
    render(h(MapView, props), /** @type {Element} */ (document.querySelector("#map")));
  },
  unmount() {
    render(null, /** @type {Element} */ (document.querySelector("#map")));
  },
  /** Where documents are in the window, as long as the whole map is shown. @param {readonly string[]} ids */
  places(ids) {
    const { documents } = library.collection.value;
    const stage = /** @type {Element} */ (document.querySelector(".map-stage"));
    const size = { width: stage.clientWidth, height: stage.clientHeight };
    const whole = kept(fitted(boxAround(documents), size), size);
    const { left, top } = stage.getBoundingClientRect();
    return ids.map((id) => {
      const { x, y } = toScreen(
        whole,
        size,
        documents.find((/** @type {{ id: string }} */ document) => document.id === id),
      );
      return { x: x + left + 1, y: y + top + 1 };
    });
  },
  /** Where the names of clusters are, to a tenth of a pixel: what is shown of the map, without having it drawn anew, which ends a flight. */
  names() {
    const labels = /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll(".map-label"));
    const shown = [...labels].filter(({ style }) => style.visibility === "visible");
    return shown.map(({ style }) => style.transform.replace(/-?[\d.]+/g, (value) => Number(value).toFixed(1))).join(" ");
  },
  /** The colours of the canvas at places of the window, when all points are drawn the next time. @param {readonly { x: number, y: number }[]} places */
  pixels(places) {
    const canvas = /** @type {HTMLCanvasElement} */ (document.querySelector(".map-stage canvas"));
    const gl = /** @type {WebGL2RenderingContext} */ (canvas.getContext("webgl2"));
    const { length } = library.collection.value.documents;
    return new Promise((resolve) => {
      const read = () => {
        const { left, top } = canvas.getBoundingClientRect();
        const found = places.map(({ x, y }) => {
          const pixel = new Uint8Array(4);
          const [across, up] = [
            Math.floor((x - left) * devicePixelRatio),
            Math.floor(canvas.height - (y - top) * devicePixelRatio),
          ];
          gl.readPixels(across, up, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, pixel);
          return [...pixel];
        });
        resolve(found);
      };
      /** @param {number} mode @param {number} first @param {number} count */
      gl.drawArrays = (mode, first, count) => {
        WebGL2RenderingContext.prototype.drawArrays.call(gl, mode, first, count);
        if (count < length) return;
        Reflect.deleteProperty(gl, "drawArrays");
        // After the frame has been drawn, and before the browser takes it.
        queueMicrotask(read);
      };
      // A wheel that does not turn has the map drawn anew.
      canvas.parentElement?.dispatchEvent(new WheelEvent("wheel", { deltaY: 0, cancelable: true }));
    });
  },
};

Object.assign(globalThis, { view });
