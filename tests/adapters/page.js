// @ts-nocheck: its imports are installed only in target/adapters.
/** All adapters in one page, with the real libraries: each returns what the test compares. */

import { embed, embedMany } from "ai";
import { embedMany as embedMany6 } from "ai-6";
import { Document } from "@langchain/core/documents";
import { BaseEmbedding } from "@llamaindex/core/embeddings";
import { TextNode } from "@llamaindex/core/schema";
import { Embedder, FelsicError } from "felsic";
import { embeddingModel } from "felsic/ai";
import { FelsicEmbeddings, FelsicVectorStore } from "felsic/langchain";
import { FelsicEmbedding } from "felsic/llamaindex";
import { useCollection, useEmbedder } from "felsic/react";
import { Collection } from "felsic/search";
import { pipeline } from "felsic/transformers";
import { createElement, StrictMode } from "react";
import { createRoot } from "react-dom/client";

const OPTIONS = { baseUrl: "/felsic/", workers: 1 };
let embedder;

/** The code of what a call rejects with. */
async function codeOf(call) {
  try {
    await call();
    return undefined;
  } catch (error) {
    return error instanceof FelsicError ? [error.code, error.message] : [String(error), ""];
  }
}

/** How the test reaches an adapter: every one embeds the same texts. */
const adapters = {
  async start() {
    embedder = await Embedder.create(OPTIONS);
    return { info: embedder.info };
  },

  async felsic(texts) {
    return (await embedder.embed(texts)).map((vector) => [...vector]);
  },

  async langchain(texts) {
    const embeddings = new FelsicEmbeddings({ embedder });
    const short = new FelsicEmbeddings({ embedder, dimensions: 8 });
    return {
      documents: await embeddings.embedDocuments(texts),
      query: await embeddings.embedQuery(texts[0]),
      short: (await short.embedQuery(texts[0])).length,
      refused: await codeOf(() => embeddings.embedDocuments([3])),
    };
  },

  async vectorStore(texts) {
    const collection = await Collection.open("store", { embedder, memory: true, baseUrl: "/felsic/" });
    const embeddings = new FelsicEmbeddings({ embedder });
    const documents = texts.map(
      (pageContent, n) => new Document({ pageContent, id: `d${n}`, metadata: { title: `T${n}`, tags: ["t"], page: n } }),
    );
    const store = await FelsicVectorStore.fromDocuments(documents, embeddings, { collection, minScore: 0 });
    const scored = await store.similaritySearchWithScore(texts[1], 2);
    const retrieved = await store.asRetriever({ k: 1, filter: { page: 0 } }).invoke(texts[1]);
    const ids = await store.addDocuments([new Document({ pageContent: "one more" })], { ids: ["more"] });
    await store.delete({ ids: ["d1"] });
    const left = await store.similaritySearch(texts[1], 9);
    collection.close();
    return {
      scored,
      retrieved,
      ids,
      left: left.map(({ id }) => id).sort(),
      vectors: await codeOf(() => store.addVectors([[1]], documents)),
      byVector: await codeOf(() => store.similaritySearchVectorWithScore([1], 1)),
      wrongIds: await codeOf(() => store.addDocuments(documents, { ids: ["one"] })),
    };
  },

  async ai(texts) {
    const model = embeddingModel(embedder);
    const many = await embedMany({ model, values: texts });
    const many6 = await embedMany6({ model: embeddingModel(embedder, { specificationVersion: "v3" }), values: texts });
    const one = await embed({ model, value: texts[0], providerOptions: { felsic: { dimensions: 8 } } });
    const long = await embed({ model, value: "word ".repeat(3000) });
    const abort = new AbortController();
    const aborted = codeOf(() => embedMany({ model, values: [...texts, ...texts], abortSignal: abort.signal }));
    abort.abort();
    return {
      embeddings: many.embeddings,
      tokens: many.usage.tokens,
      counted: await Promise.all(texts.map((text) => embedder.countTokens(text))),
      sdk6: many6.embeddings,
      short: one.embedding.length,
      warnings: long.warnings,
      aborted: await aborted,
      unknown: await codeOf(() => embed({ model, value: "a", providerOptions: { felsic: { dimension: 8 } } })),
    };
  },

  async llamaindex(texts) {
    const model = new FelsicEmbedding({ embedder });
    const nodes = await model(texts.map((text) => new TextNode({ text })));
    return {
      isModel: model instanceof BaseEmbedding,
      documents: await model.getTextEmbeddingsBatch(texts),
      one: await model.getTextEmbedding(texts[0]),
      query: await model.getQueryEmbedding({ type: "text", text: texts[0] }),
      image: await model.getQueryEmbedding({ type: "image_url", image_url: { url: "https://example.com/" } }),
      nodes: nodes.map(({ embedding }) => embedding),
    };
  },

  async transformers(texts) {
    const extractor = await pipeline("feature-extraction", embedder);
    const tensor = await extractor(texts, { pooling: "cls", normalize: true });
    const one = await extractor(texts[0], { pooling: "first_token", normalize: true });
    return {
      list: tensor.tolist(),
      data: [...tensor.data],
      dims: tensor.dims,
      size: tensor.size,
      iterated: [...tensor].map((vector) => [vector.dims, vector.tolist()]),
      one: [one.dims, one.tolist()],
      none: (await extractor([], { pooling: "cls", normalize: true })).dims,
      refused: {
        default: await codeOf(() => extractor(texts)),
        mean: await codeOf(() => extractor(texts, { pooling: "mean", normalize: true })),
        unnormalised: await codeOf(() => extractor(texts, { pooling: "cls" })),
        bits: await codeOf(() => extractor(texts, { pooling: "cls", normalize: true, quantize: true })),
        task: await codeOf(() => pipeline("text-generation", embedder)),
      },
    };
  },

  stop() {
    embedder.destroy();
  },

  ...reactPage(),
};

/** Two components that share an embedder, in strict mode; what they have shown. */
function reactPage() {
  const shown = { a: [], b: [] };
  let root;
  let latest;
  function Shows({ name, options }) {
    const state = useEmbedder(options);
    latest = state;
    if (shown[name].at(-1) !== state.status) shown[name].push(state.status);
    return createElement("p", { id: name }, `${state.status} ${state.embedder?.info.model ?? state.error?.code ?? ""}`);
  }
  function Docs() {
    const { embedder } = useEmbedder(OPTIONS);
    const docs = useCollection("docs", { embedder, memory: true, baseUrl: "/felsic/" });
    latest = docs;
    return createElement("p", { id: "docs" }, `${docs.status} ${docs.changes} ${docs.collection?.info.documents}`);
  }
  const show = (names, options) => {
    root ??= createRoot(document.body.appendChild(document.createElement("div")));
    // New objects each time: equal options are enough.
    const children = names.map((name) => createElement(Shows, { key: name, name, options: { ...options } }));
    root.render(createElement(StrictMode, null, ...children));
  };
  return {
    reactShow: (names, options = OPTIONS) => show(names, options),
    reactDocs: () => {
      root ??= createRoot(document.body.appendChild(document.createElement("div")));
      root.render(createElement(StrictMode, null, createElement(Docs), createElement(Docs)));
    },
    reactAdd: async (text) => void (await latest.collection.add([{ id: "a", text }])),
    reactShown: () => structuredClone(shown),
    reactEmbed: async (text) => [...(await latest.embedder.embed(text))],
    reactProgress: () => latest.progress,
    reactRetry: () => latest.retry(),
    reactLeave() {
      root.unmount();
      root = undefined;
    },
  };
}

globalThis.adapters = adapters;
