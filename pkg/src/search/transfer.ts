/**
 * A collection's passages, out into a file and in from one: JSON lines or Parquet, both in parts. What is not sound, or holds vectors of
 * another model, is refused before anything is written.
 */

import { abortedBy, FelsicError } from "../errors.js";
import { absoluteUrl, invalid } from "../options.js";
import { type Agreement, boundsOf, checkSample, inputsOf, Sample } from "./transfer-check.js";
import { lineWriter, readLines } from "./transfer-lines.js";
import { type PassageRow, wrong } from "./transfer-rows.js";

export type { PassageRow } from "./transfer-rows.js";

/** The form of a file: JSON lines, or Apache Parquet. */
export type TransferFormat = "jsonl" | "parquet";

/** Where a file comes from: its bytes, a stream of them, or its URL. */
export type TransferSource = Blob | ReadableStream<Uint8Array> | URL | string;

/** Bytes of a stream that are held before they become a part of a file. */
const GATHERED = 1 << 23;
/** Passages of a row group, and of what is written to a collection at once. */
const BATCH = 1000;
/** Texts that are embedded to check vectors. */
const SAMPLE = 32;
/** Decides which they are. */
const SEED = 14;

/** Passages that can be written to a file. */
export interface PassageSource {
  readonly space: string;
  readonly model: string;
  readonly dimensions: number;
  /** All passages, those of a document together. */
  passages(): AsyncIterable<readonly PassageRow[]>;
}

/** A document whose passages are known, with their vectors. */
export interface CutDocument extends Omit<PassageRow, "start" | "end" | "trail" | "anchor" | "text" | "vector" | "waits"> {
  readonly passages: readonly CutPassage[];
}

/** A passage of a {@link CutDocument}. */
export interface CutPassage {
  readonly start: number;
  readonly end: number;
  readonly trail: readonly string[];
  readonly anchor?: string;
  readonly text: string;
  /** What was embedded. */
  readonly input: string;
  readonly vector: Float32Array<ArrayBuffer>;
}

/** A document that has yet to be cut. */
export type WholeDocument = Omit<PassageRow, "start" | "end" | "trail" | "anchor" | "source" | "vector" | "waits">;

/** What takes in passages. */
export interface PassageSink {
  /** Name of the model. */
  readonly model: string;
  /** Its weight format. */
  readonly format: string;
  readonly dimensions: number;
  /** Checks what the sink demands of a row besides. @throws `input-invalid` */
  check(row: PassageRow): void;
  /** Makes the vectors of texts that are to be found, of unit length. */
  embed(texts: readonly string[], signal: AbortSignal | undefined): Promise<readonly Float32Array<ArrayBuffer>[]>;
  /** Takes in documents whose passages and vectors are given: all of them, or none. */
  put(documents: readonly CutDocument[], signal: AbortSignal | undefined): Promise<void>;
  /** Cuts documents, embeds them and takes them in; returns the number of passages. */
  add(documents: readonly WholeDocument[], signal: AbortSignal | undefined): Promise<number>;
}

/** Options of {@link Collection.export}. */
export interface ExportOptions {
  /** Aborts the export: the stream ends with an error. */
  readonly signal?: AbortSignal;
}

/** Options of {@link Collection.import}. */
export interface ImportOptions {
  /** The form of the file. Default: what its first bytes say. */
  readonly format?: TransferFormat;
  /**
   * How many texts are embedded to check the file's vectors, and the seed that decides which. Default: 32 texts. Vectors cannot be
   * imported unchecked.
   */
  readonly check?: {
    /** How many texts are embedded. */
    readonly texts?: number;
    /** Decides which; the same seed takes the same ones. */
    readonly seed?: number;
  };
  /** Aborts the import. What has been reported as done stays. */
  readonly signal?: AbortSignal;
  /** Called when further rows are stored. */
  readonly onProgress?: (progress: ImportProgress) => void;
}

/** Progress of an import. */
export interface ImportProgress {
  /** Rows that are stored; 0 while the file is being checked. */
  readonly done: number;
  /** Rows of the file; 0 until they have been counted. */
  readonly total: number;
}

/** What an import has done. */
export interface ImportResult {
  /** Documents of the file. */
  readonly documents: number;
  /** Passages of the file, or those that its texts were cut into. */
  readonly passages: number;
  /** Passages whose vector was made here. */
  readonly embedded: number;
  /** How well the file's vectors agree with this model's; left out if it had none. */
  readonly agreement?: Agreement;
}

/** Returns a file's bytes, a part for about every 1,000 passages. The stream fails with a `FelsicError`. */
export function exportPassages(
  source: PassageSource,
  format: TransferFormat,
  { signal }: ExportOptions = {},
): ReadableStream<Uint8Array<ArrayBuffer>> {
  checkFormat(format);
  const parts = written(source, format, signal);
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await parts.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async () => void (await parts.return(undefined)),
  });
}

async function* written(
  source: PassageSource,
  format: TransferFormat,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
  const writer = format === "parquet" ? (await parquet()).parquetWriter(source) : lineWriter(source.space);
  for await (const rows of batches(source.passages(), signal)) yield writer.rows(rows);
  const end = writer.end();
  if (end) yield end;
}

/** The same rows, in batches of equal size. */
async function* batches(
  groups: AsyncIterable<readonly PassageRow[]>,
  signal: AbortSignal | undefined,
): AsyncGenerator<PassageRow[]> {
  let waiting: PassageRow[] = [];
  for await (const group of groups) {
    check(signal);
    waiting.push(...group);
    while (waiting.length >= BATCH) {
      yield waiting.slice(0, BATCH);
      waiting = waiting.slice(BATCH);
    }
  }
  check(signal);
  if (waiting.length > 0) yield waiting;
}

/**
 * Reads a file into a collection. Everything in it is checked before anything is written; vectors are compared with those of this model.
 * Documents that are there already are replaced.
 *
 * @throws `input-invalid` for a file that is not sound, `vectors-disagree` for vectors of another model, `network` and `not-found` for a URL
 */
export async function importPassages(
  from: TransferSource,
  sink: PassageSink,
  options: ImportOptions = {},
): Promise<ImportResult> {
  const { signal, onProgress } = options;
  const file = await fileOf(from, signal);
  const format = options.format === undefined ? await formatOf(file) : checkFormat(options.format);
  const read = format === "parquet" ? (await parquet()).readParquet : readLines;
  const rows = () => guarded(read(file, sink.dimensions), signal);

  const { total, hasVectors, sample } = await survey(rows(), sink, options);
  const bounds = boundsOf(sink.format);
  const embed = (texts: readonly string[]) => sink.embed(texts, signal);
  const agreement = hasVectors && total > 0 ? await checkSample(sample, bounds, sink.model, embed) : undefined;

  const result = { documents: 0, passages: 0, embedded: 0 };
  let done = 0;
  for await (const group of documents(rows())) {
    check(signal);
    const { passages, embedded } = await take(group, sink, agreement?.of ?? "headed", signal);
    result.documents += group.length;
    result.passages += passages;
    result.embedded += embedded;
    done += group.reduce((sum, rows) => sum + rows.length, 0);
    onProgress?.({ done, total });
  }
  return { ...result, ...(agreement && { agreement }) };
}

/** Goes over the whole file without writing: it must be sound to its end. */
async function survey(
  rows: AsyncIterable<readonly PassageRow[]>,
  sink: PassageSink,
  { check: settings, onProgress }: ImportOptions,
) {
  const { texts = SAMPLE, seed = SEED } = settings ?? {};
  if (!Number.isInteger(texts) || texts < 1)
    throw invalid(`check.texts is ${String(texts)}; it must be a whole number of at least 1`);
  if (!Number.isInteger(seed)) throw invalid(`check.seed is ${String(seed)}; it must be a whole number`);
  const sample = new Sample(texts, seed);
  const order = new Order();
  let total = 0;
  let hasVectors: boolean | undefined;
  for await (const batch of rows) {
    for (const row of batch) {
      total += 1;
      order.next(row, total);
      checkFor(sink, row, total);
      const has = row.vector !== undefined;
      if (row.waits && !has) continue;
      hasVectors ??= has;
      if (has !== hasVectors) throw wrong(`row ${total}`, "some rows of the file have a vector, and some have none");
      sample.add(row);
    }
    onProgress?.({ done: 0, total: 0 });
  }
  return { total, hasVectors: hasVectors === true, sample: sample.rows };
}

/** Has the sink check a row, and says which row it was. */
function checkFor(sink: PassageSink, row: PassageRow, number: number): void {
  try {
    sink.check(row);
  } catch (error) {
    throw wrong(`row ${number}`, (error as Error).message);
  }
}

/** Checks that the rows of a document stand together, in the order of its passages: otherwise parts of it would be lost. */
class Order {
  readonly #known = new Set<string>();
  #last: PassageRow | undefined;

  next(row: PassageRow, number: number): void {
    const last = this.#last;
    this.#last = row;
    if (last?.id !== row.id) {
      if (this.#known.has(row.id)) throw wrong(`row ${number}`, `the rows of ${JSON.stringify(row.id)} do not stand together`);
      this.#known.add(row.id);
      return;
    }
    if (row.source !== undefined) throw wrong(`row ${number}`, '"source" belongs to the first passage of a document');
    if (row.start === undefined || last.start === undefined) {
      throw wrong(`row ${number}`, `${JSON.stringify(row.id)} is there twice; passages of one document need "start" and "end"`);
    }
    if (row.start < last.start) throw wrong(`row ${number}`, "the passages of a document must be in their order");
  }
}

/** The rows of documents, each document's together, in groups that are written at once. */
async function* documents(batches: AsyncIterable<readonly PassageRow[]>): AsyncGenerator<PassageRow[][]> {
  let group: PassageRow[][] = [];
  let rows = 0;
  for await (const batch of batches) {
    for (const row of batch) {
      if (group.at(-1)?.[0]?.id === row.id) {
        group.at(-1)!.push(row);
      } else {
        if (rows >= BATCH) {
          yield group;
          [group, rows] = [[], 0];
        }
        group.push([row]);
      }
      rows += 1;
    }
  }
  if (group.length > 0) yield group;
}

/** Takes in documents: cut and with vectors as they are, cut but without vectors after embedding them, and whole ones as an app adds them. */
async function take(
  group: readonly PassageRow[][],
  sink: PassageSink,
  form: Agreement["of"],
  signal: AbortSignal | undefined,
): Promise<{ passages: number; embedded: number }> {
  const isWhole = ([row]: readonly PassageRow[]) => row!.start === undefined && row!.vector === undefined;
  const whole = group.filter(isWhole).map(([row]) => row!);
  const cut = group.filter((rows) => !isWhole(rows));
  const missing = cut.flat().filter(({ vector }) => vector === undefined);
  const made =
    missing.length === 0
      ? []
      : await sink.embed(
          missing.map((row) => inputsOf(row)[form]),
          signal,
        );
  const vectors = new Map(missing.map((row, at) => [row, made[at]!]));
  if (cut.length > 0)
    await sink.put(
      cut.map((rows) => cutDocument(rows, vectors, form)),
      signal,
    );
  const added = whole.length > 0 ? await sink.add(whole, signal) : 0;
  return { passages: cut.flat().length + added, embedded: missing.length + added };
}

function cutDocument(
  rows: readonly PassageRow[],
  made: ReadonlyMap<PassageRow, Float32Array<ArrayBuffer>>,
  form: Agreement["of"],
): CutDocument {
  const { start: _, end: __, trail: ___, anchor: ____, text: _____, vector: ______, waits: _______, ...document } = rows[0]!;
  const passages = rows.map((row) => {
    const { start = 0, end = row.text.length, trail = [], anchor, text, vector } = row;
    const place = { start, end, trail, ...(anchor !== undefined && { anchor }) };
    return { ...place, text, input: inputsOf(row)[form], vector: vector ?? made.get(row)! };
  });
  return { ...document, passages };
}

async function* guarded<T>(batches: AsyncIterable<T>, signal: AbortSignal | undefined): AsyncGenerator<T> {
  for await (const batch of batches) {
    check(signal);
    yield batch;
  }
}

function check(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw abortedBy(signal);
}

function checkFormat(format: unknown): TransferFormat {
  if (format === "jsonl" || format === "parquet") return format;
  throw invalid(`format is ${String(format)}; use "jsonl" or "parquet"`);
}

/** The form that a file's first bytes show. */
async function formatOf(file: Blob): Promise<TransferFormat> {
  return (await file.slice(0, 4).text()) === "PAR1" ? "parquet" : "jsonl";
}

/** The source as a file that can be read twice, and from any place; browsers keep a large one on disk. */
async function fileOf(from: TransferSource, signal: AbortSignal | undefined): Promise<Blob> {
  check(signal);
  if (from instanceof Blob) return from;
  if (from instanceof ReadableStream) return blobOf(from, "the stream", signal);
  if (typeof from !== "string" && !(from instanceof URL))
    throw invalid("import() needs a Blob, a File, a stream of bytes or a URL");
  const url = absoluteUrl(from, "the file's URL");
  const response = await fetch(url, { ...(signal && { signal }), credentials: "omit" }).catch((cause: unknown) => {
    if (signal?.aborted) throw abortedBy(signal);
    throw new FelsicError("network", `${url} could not be fetched`, { cause });
  });
  if (response.ok) return blobOf(response.body, url.href, signal);
  const code = response.status === 404 || response.status === 410 ? "not-found" : "network";
  throw new FelsicError(code, `${url} could not be fetched: HTTP ${response.status}`);
}

/** Gathers a stream as a file: a browser may keep the parts of one on disk. */
async function blobOf(stream: ReadableStream<Uint8Array> | null, name: string, signal: AbortSignal | undefined): Promise<Blob> {
  let [parts, bytes]: [BlobPart[], number] = [[], 0];
  if (!stream) return new Blob();
  if (stream.locked) throw invalid(`${name} is being read already`);
  const reader = stream.getReader();
  try {
    for (;;) {
      check(signal);
      const { done, value } = await reader.read();
      if (done) return new Blob(parts);
      if (!(value instanceof Uint8Array)) throw invalid(`${name} must be one of bytes`);
      parts.push(value as Uint8Array<ArrayBuffer>);
      bytes += value.length;
      if (bytes >= GATHERED) [parts, bytes] = [[new Blob(parts)], 0];
    }
  } catch (cause) {
    await reader.cancel(cause).catch(() => undefined);
    if (signal?.aborted) throw abortedBy(signal);
    throw FelsicError.from(cause) ?? new FelsicError("network", `${name} ended before its end`, { cause });
  }
}

/** The chunk that knows Parquet. */
async function parquet(): Promise<typeof import("./transfer-parquet.js")> {
  try {
    return await import("./transfer-parquet.js");
  } catch (cause) {
    throw new FelsicError("network", "felsic's script for Parquet could not be loaded", { cause });
  }
}
