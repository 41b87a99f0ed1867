/** A library without storage, reading or model, for looking at the views. */

import { signal } from "@preact/signals";
import type { Collection, Hit } from "felsic/search";
import type { Library, LibraryFile, ModelState, Problem, Progress, Source } from "../library/types.js";
import type { Refusal } from "../reading/types.js";

interface Held extends LibraryFile {
  readonly text: string;
}

/** Makes one; its signals may be set to whatever state is to be seen. */
export function makeDouble() {
  const held = signal<readonly Held[]>([]);
  const sources = signal<readonly Source[]>([]);
  const state = {
    sources,
    files: held,
    refused: signal<readonly Refusal[]>([]),
    progress: signal<Progress | undefined>(undefined),
    paused: signal(false),
    model: signal<ModelState>({ state: "ready", loadedBytes: 8e6, totalBytes: 8e6 }),
    problems: signal<readonly Problem[]>([]),
    collection: signal<Collection | undefined>(undefined),
    version: signal(0),
  };
  const nothing = async () => {};
  const library: Library = {
    ...state,
    pickFolder: nothing,
    async addItems(items) {
      const files = items instanceof DataTransfer ? [...items.files] : [...items];
      const name = files[0]?.webkitRelativePath.split("/")[0] || "Files";
      const taken = await Promise.all(
        files.map(async (file): Promise<Held> => ({
          path: file.webkitRelativePath || `${name}/${file.name}`,
          source: name,
          kind: file.name.endsWith(".md") ? "markdown" : file.name.endsWith(".csv") ? "table" : "text",
          bytes: file.size,
          modified: file.lastModified,
          text: await file.text(),
        })),
      );
      held.value = [...held.value, ...taken];
      sources.value = [...sources.value, { id: name, name, kind: "files", watched: "no", files: taken.length }];
      state.version.value += 1;
    },
    addText: (text, name) => library.addItems([new File([text], name)]),
    refresh: nothing,
    async removeSource(id) {
      sources.value = sources.value.filter((source) => source.id !== id);
      held.value = held.value.filter((file) => file.source !== id);
      state.version.value += 1;
    },
    pause: () => (state.paused.value = true),
    resume: () => (state.paused.value = false),
    async cancel() {
      state.progress.value = undefined;
    },
    async search({ text, filters, like }) {
      const words = text.toLowerCase().split(/\W+/).filter((word) => word.length > 2);
      const hits = held.value.flatMap((file): Hit[] => {
        if (filters.path && file.path !== filters.path) return [];
        const marks = words.flatMap((word) =>
          [...file.text.toLowerCase().matchAll(new RegExp(word, "g"))].map(({ index }) => ({ start: index, end: index + word.length })),
        );
        if (marks.length === 0 && like === undefined) return [];
        const folder = file.path.split("/").slice(0, -1);
        return [
          {
            id: file.path,
            score: Math.min(1, marks.length / 5),
            passage: { start: 0, end: Math.min(600, file.text.length), text: file.text.slice(0, 600), trail: [] },
            highlights: marks.filter(({ end }) => end < 600),
            why: { words: { rank: 1, score: 0.8, terms: words }, meaning: { rank: 2, score: 0.6, cosine: 0.41 } },
            meta: { file: file.path, source: file.source, kind: file.kind, modified: file.modified, folder },
          },
        ];
      });
      return hits.sort((a, b) => b.score - a.score);
    },
    original: async () => undefined,
    text: async (id) => held.value.find(({ path }) => path === id)?.text,
    useModel: nothing,
    facts: async () => ({ model: "felsic-small-english", device: "CPU", kernel: "simd", memory: "31 MB" }),
    export: () => new Blob(["{}\n"]).stream() as ReadableStream<Uint8Array<ArrayBuffer>>,
    import: nothing,
    async deleteEverything() {
      held.value = [];
      sources.value = [];
    },
    dismiss: (id) => (state.problems.value = state.problems.value.filter((problem) => problem.id !== id)),
    close() {},
  };
  return { library, state };
}
