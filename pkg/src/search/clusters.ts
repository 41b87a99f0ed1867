/** Clusters: documents that are like each other, and the words that set them apart. */

import type { Contents, Held } from "./contents.js";
import { documentsOf, vectorsOf } from "./document-vectors.js";
import { kMeans, nearestCentre } from "./k-means.js";
import { labels } from "./labels.js";
import type { Points } from "./points.js";
import type { ClustersQuery } from "./protocol.js";
import { sampled, seeded } from "./random.js";
import { Slices } from "./slices.js";
import type { Cluster } from "./types.js";

/** Of more documents than this, as many make the centres; all are then put to their nearest one. */
const SAMPLE = 10_000;
const SEED = 4;
/** How many documents' vectors are in memory at once then. */
const BLOCK = 1024;
/** The bounds of the number of clusters if the caller names none. */
const FEWEST = 2;
const MOST = 30;
/** How many documents of a cluster, the nearest to its centre, decide about its label, and how many passages of each. */
const LABELLING = 32;
const PASSAGES = 2;

/** A document of a cluster. */
interface Member {
  readonly held: Held;
  readonly cosine: number;
}

/** Returns the clusters of the documents that fit, the largest first. */
export async function clustersOf(
  contents: Contents,
  { count, where }: ClustersQuery,
  dimensions: number,
  signal: AbortSignal,
): Promise<Cluster[]> {
  await contents.vectors;
  const slices = new Slices(signal);
  const documents = documentsOf(contents, where);
  const centres = await centresOf(contents, documents, count, dimensions, slices);
  if (!centres) return [];
  const groups = await members(contents, documents, centres, slices);
  const texts = [];
  for (const group of groups) texts.push(await textsOf(contents, group.slice(0, LABELLING), slices));
  const found = labels(texts);
  return groups.map((group, at) => ({ label: found[at]!, ids: group.map(({ held }) => held.stored.id), size: group.length }));
}

async function centresOf(
  contents: Contents,
  documents: readonly Held[],
  count: number | undefined,
  dimensions: number,
  slices: Slices,
): Promise<Points | undefined> {
  const isMany = documents.length > SAMPLE;
  const sample = isMany ? sampled(documents.length, SAMPLE, seeded(SEED)).map((at) => documents[at]!) : documents;
  const { points } = await vectorsOf(contents, sample, dimensions, slices);
  if (points.count === 0) return undefined;
  const usual = Math.max(FEWEST, Math.min(MOST, Math.round(Math.sqrt(documents.length / 2))));
  return kMeans(points, Math.min(count ?? usual, points.count), slices);
}

/** Puts each document to its nearest centre. The nearest to the centre come first, the largest group first. */
async function members(contents: Contents, documents: readonly Held[], centres: Points, slices: Slices): Promise<Member[][]> {
  const { dimensions } = centres;
  const groups = Array.from({ length: centres.count }, () => [] as Member[]);
  for (let at = 0; at < documents.length; at += BLOCK) {
    const block = await vectorsOf(contents, documents.slice(at, at + BLOCK), dimensions, slices);
    for (const [i, held] of block.documents.entries()) {
      const { centre, cosine } = nearestCentre(block.points.data, i * dimensions, centres);
      groups[centre]!.push({ held, cosine });
      if ((i & 15) === 0 && slices.isOver) await slices.next();
    }
  }
  // Documents are in the order of their ids, which decides among equals.
  for (const group of groups) group.sort((a, b) => b.cosine - a.cosine);
  return groups.filter((group) => group.length > 0).sort((a, b) => b.length - a.length);
}

/** The beginnings of documents, with their titles. One that has been removed meanwhile has none. */
async function textsOf(contents: Contents, group: readonly Member[], slices: Slices): Promise<string[]> {
  const texts = await Promise.all(
    group.map(async ({ held: { stored, row } }) => {
      const first = stored.passages.slice(0, PASSAGES);
      const passages = await Promise.all(first.map((_, at) => contents.text(row + at)));
      return [stored.title ?? "", ...passages.map((text) => text ?? "")].join("\n");
    }),
  );
  await slices.next();
  return texts;
}
