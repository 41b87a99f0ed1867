/** Puts the search box on a page, with a collection that does what a test says. */

// The package's own file, which the server shows in the same folder.
// @ts-ignore
import "./search-box.js";

/** @typedef {import("../../pkg/dist/types/search-box.js").BoxHit} BoxHit */

const passage =
  "To undo the last commit and keep your changes, run git reset with the option --soft. The commit goes, and what it changed is staged again, as it was before you made it. Nothing is lost.";

/** @param {string} id @param {Partial<BoxHit>} [more] @returns {BoxHit} */
function hit(id, more = {}) {
  return {
    id,
    title: `Document ${id}`,
    url: `./${id}.html`,
    passage: { text: passage, trail: ["Branches", "Undoing"] },
    highlights: [
      { start: 3, end: 7 },
      { start: 17, end: 23 },
    ],
    ...more,
  };
}

/** What the collection does; tests change it. */
const fake = {
  bytes: 8_260_000,
  documents: 2043,
  /** @type {string[]} */
  log: [],
  /** Milliseconds that a search takes. */
  delay: { words: 0, hybrid: 0 },
  /** What searches by meaning wait for. @type {Promise<unknown> | undefined} */
  gate: undefined,
  letGo: () => {},
  /** @type {Record<"words" | "hybrid", BoxHit[]>} */
  hits: { words: [hit("a"), hit("b"), hit("c")], hybrid: [hit("d"), hit("b"), hit("e")] },
  /** @type {Partial<Record<"open" | "missing" | "prepare" | "words" | "hybrid", string>>} what fails, and why */
  fails: {},
  /** @type {{ report: (share: number) => void, finish: () => void } | undefined} */
  loading: undefined,
  hit,
};

/** @param {keyof typeof fake.fails} what */
function failing(what) {
  const why = fake.fails[what];
  if (why !== undefined) throw new Error(why);
}

const collection = {
  get info() {
    return { documents: fake.documents };
  },
  /** @param {string} query @param {{ mode: "words" | "hybrid", limit: number, signal: AbortSignal }} options */
  async search(query, { mode, limit, signal }) {
    fake.log.push(`${mode}: ${query}`);
    failing(mode);
    await new Promise((resolve) => setTimeout(resolve, fake.delay[mode]));
    if (mode === "hybrid") await fake.gate;
    if (signal.aborted) fake.log.push(`aborted: ${query}`);
    signal.throwIfAborted();
    return query.includes("nothing") ? [] : fake.hits[mode].slice(0, limit);
  },
  async missingBytes() {
    failing("missing");
    return fake.bytes;
  },
  /** @param {{ onProgress: (progress: { loadedBytes: number, totalBytes: number }) => void }} options */
  async prepare({ onProgress }) {
    fake.log.push("prepare");
    failing("prepare");
    if (fake.bytes === 0) return;
    await new Promise((resolve) => {
      const report = (/** @type {number} */ share) => onProgress({ loadedBytes: share * fake.bytes, totalBytes: fake.bytes });
      fake.loading = { report, finish: () => resolve(undefined) };
    });
    fake.bytes = 0;
  },
  close() {
    fake.log.push("close");
  },
};

const box = /** @type {import("../../pkg/dist/types/search-box.js").FelsicSearch} */ (document.querySelector("felsic-search"));
Object.assign(globalThis, { fake, box, collection });
if (!box.hasAttribute("index")) box.collection = collection;
