/** A collection as the end of a transfer: where passages come from, and where they go. */

import type { Adding, SearchLink } from "./adding.js";
import { checkedDocument } from "./documents.js";
import type { GivenDocument } from "./protocol.js";
import type { CutDocument, PassageSink, PassageSource, WholeDocument } from "./transfer.js";
import type { PassageRow } from "./transfer-rows.js";
import type { CollectionInfo, TextEmbedder } from "./types.js";

/** Documents that are asked for at once. */
const DOCUMENTS = 200;

/** The passages of a collection. */
export function sourceOf(link: SearchLink, { space, model, dimensions }: CollectionInfo): PassageSource {
  return {
    space,
    model,
    dimensions,
    async *passages() {
      const ids = await link.request("ids", {});
      for (let at = 0; at < ids.length; at += DOCUMENTS) {
        yield await link.request("passages", { ids: ids.slice(at, at + DOCUMENTS) });
      }
    },
  };
}

/** A collection that takes in passages. */
export function sinkOf(link: SearchLink, adding: Adding, embedder: TextEmbedder): PassageSink {
  const { model, format, dimensions } = embedder.info;
  return {
    model,
    format,
    dimensions,
    check(row) {
      checked(row);
      if (row.source !== undefined) checked({ ...row, text: row.source });
    },
    embed: (texts, signal) => adding.vectors(texts, signal),
    async put(documents, signal) {
      const passages = documents.flatMap(({ passages }) => passages);
      const vectors = new Float32Array(passages.length * dimensions);
      passages.forEach(({ vector }, at) => vectors.set(vector, at * dimensions));
      const given = documents.map(givenDocument);
      await link.request("put", { documents: given, vectors }, { signal, transfer: [vectors.buffer] });
    },
    async add(documents, signal) {
      const { passages } = await adding.add(documents.map(checked), { ...(signal && { signal }) });
      return passages;
    },
  };
}

/** The document of a row, checked as one that an app adds. */
function checked({ id, text, title, url, tags, meta, kind }: PassageRow | WholeDocument) {
  return checkedDocument({
    id,
    text,
    ...(title !== undefined && { title }),
    ...(url !== undefined && { url }),
    ...(tags !== undefined && { tags }),
    ...(meta !== undefined && { meta }),
    ...(kind !== undefined && { kind }),
  });
}

function givenDocument({ passages, source, ...document }: CutDocument): GivenDocument {
  const { text: _, ...fields } = checked({ ...document, text: source ?? "" });
  return { ...fields, ...(source !== undefined && { source }), passages: passages.map(({ vector: __, ...passage }) => passage) };
}
