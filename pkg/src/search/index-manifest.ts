/** `index.json`, the manifest of a search index: what it says, checked. Everything in it is untrusted. */

import { FelsicError } from "../errors.js";
import { INDEX_FORMAT } from "../store/manifests.js";
import { isHash, pinnedHash } from "../store/names.js";
import type { FileEntry } from "../store/types.js";
import { parsed } from "./json.js";
import { type Calibration, checkedCalibration } from "./score.js";

/** A file of an index. */
export interface IndexFile extends FileEntry {
  /** Its name in the index's folder. */
  readonly file: string;
}

/** The texts of a segment, one after another. */
export interface IndexTexts extends IndexFile {
  /** The SHA-256 of each {@link BLOCK} bytes; the last block may be shorter. */
  readonly blocks: readonly string[];
}

/** The files of a segment. */
export interface IndexSegment {
  /** The number of its passages. */
  readonly rows: number;
  /** The documents and where their passages are: JSON in gzip. */
  readonly documents: IndexFile;
  /** The scales and the coarse halves of the vectors. */
  readonly vectors: IndexFile;
  /** The fine halves of the vectors. */
  readonly fine?: IndexFile;
  readonly texts: IndexTexts;
}

/** The model of an index. */
export interface IndexModel {
  readonly name: string;
  readonly revision?: string;
  /** The URL of its pack; without one it is the built-in model. */
  readonly url?: string;
  /** The `integrity` of the pack's manifest. */
  readonly integrity?: string;
}

/** What an index is made of. */
export interface IndexManifest {
  readonly space: string;
  readonly model: IndexModel;
  readonly dimensions: number;
  /** Documents in all segments. */
  readonly documents: number;
  /** Passages in all segments. */
  readonly passages: number;
  /** What the cosines of its passages are like; without it they are measured. */
  readonly calibration?: Calibration;
  readonly segments: readonly IndexSegment[];
  /** The index of words: JSON of MiniSearch in gzip. */
  readonly words: IndexFile;
  /** The URL that the documents' URLs are relative to. */
  readonly base?: string;
}

/** The bytes of a block of texts. */
export const BLOCK = 16_384;
/** The version of the format. */
const VERSION = 1;
/** The most passages of a segment. */
const MOST_ROWS = 8_192;
const MOST_SEGMENTS = 10_000;
const MOST_DIMENSIONS = 8_192;
/** The most bytes of one file, so that no sum of lengths loses a digit. */
const MOST_BYTES = 2 ** 40;

/** A name that cannot point elsewhere. */
const PLAIN_NAME = /^[0-9A-Za-z][0-9A-Za-z._-]{0,127}$/;

type Json = Readonly<Record<string, unknown>>;

/** Returns the manifest of the index at `url`, checked; throws `index-invalid` with what is wrong. */
export function checkedManifest(bytes: Uint8Array, url: string): IndexManifest {
  const wrong = (what: string) => new FelsicError("index-invalid", `${url} is not an index that felsic can read: ${what}`);
  return new Checker(wrong).manifest(
    parsed(bytes, () => wrong("it is not JSON")),
    url,
  );
}

class Checker {
  readonly #wrong: (what: string) => FelsicError;

  constructor(wrong: (what: string) => FelsicError) {
    this.#wrong = wrong;
  }

  manifest(value: unknown, url: string): IndexManifest {
    const json = this.#object(value, "the whole");
    if (json.format !== INDEX_FORMAT) throw this.#wrong(`its format is not "${INDEX_FORMAT}"`);
    if (json.version !== VERSION) {
      throw this.#wrong(
        `its version is ${String(json.version)}, and this felsic reads ${VERSION}; make it again with \`felsic index\``,
      );
    }
    const dimensions = this.#count(json.dimensions, "dimensions", 1, MOST_DIMENSIONS);
    const passages = this.#count(json.passages, "passages", 0, MOST_ROWS * MOST_SEGMENTS);
    const segments = this.#list(json.segments, "segments", MOST_SEGMENTS).map((segment, index) =>
      this.#segment(this.#object(segment, `segment ${index}`), dimensions, `segment ${index}`),
    );
    const rows = segments.reduce((sum, segment) => sum + segment.rows, 0);
    if (rows !== passages) throw this.#wrong(`it has ${rows} rows and claims ${passages} passages`);
    const base = this.#url(json.base, "base", url);
    return {
      space: this.#text(json.space, "space"),
      model: this.#model(this.#object(json.model, "model"), url),
      dimensions,
      documents: this.#count(json.documents, "documents", 0, passages),
      passages,
      ...(json.calibration !== undefined && { calibration: this.#calibration(json.calibration, dimensions) }),
      segments,
      words: this.#file(json.words, "words"),
      ...(base !== undefined && { base }),
    };
  }

  #model({ name, revision, url, integrity }: Json, index: string): IndexModel {
    const place = this.#url(url, "model.url", index);
    if (integrity !== undefined && (typeof integrity !== "string" || pinnedHash(integrity) === undefined)) {
      throw this.#wrong("model.integrity is not sha256- and a hash in base64");
    }
    return {
      name: this.#text(name, "model.name"),
      ...(revision !== undefined && { revision: this.#text(revision, "model.revision") }),
      ...(place !== undefined && { url: place }),
      ...(integrity !== undefined && { integrity }),
    };
  }

  #segment(json: Json, dimensions: number, what: string): IndexSegment {
    const rows = this.#count(json.rows, `rows of ${what}`, 1, MOST_ROWS);
    const vectors = this.#file(json.vectors, `vectors of ${what}`, rows * (4 + dimensions));
    const fine = json.fine === undefined ? undefined : this.#file(json.fine, `fine of ${what}`, rows * dimensions);
    const documents = this.#file(json.documents, `documents of ${what}`);
    return { rows, documents, vectors, ...(fine && { fine }), texts: this.#texts(json.texts, `texts of ${what}`) };
  }

  #texts(value: unknown, what: string): IndexTexts {
    const { block, blocks } = this.#object(value, what);
    const file = this.#file(value, what);
    if (block !== BLOCK) throw this.#wrong(`block in ${what} is not ${BLOCK}`);
    const hashes = this.#list(blocks, `blocks in ${what}`, Math.ceil(file.bytes / BLOCK));
    if (hashes.length !== Math.ceil(file.bytes / BLOCK)) throw this.#wrong(`${what} lack hashes of blocks`);
    if (!hashes.every(isHash)) throw this.#wrong(`a block in ${what} has no SHA-256`);
    return { ...file, blocks: hashes as string[] };
  }

  #file(value: unknown, what: string, length?: number): IndexFile {
    const { file, bytes, sha256 } = this.#object(value, what);
    if (typeof file !== "string" || !PLAIN_NAME.test(file)) throw this.#wrong(`the file of ${what} has no plain name`);
    if (!isHash(sha256)) throw this.#wrong(`the file of ${what} has no SHA-256`);
    const checked = this.#count(bytes, `bytes of ${what}`, 0, MOST_BYTES);
    if (length !== undefined && checked !== length) throw this.#wrong(`${what} are ${checked} bytes instead of ${length}`);
    return { file, bytes: checked, sha256: sha256 as string };
  }

  /** Its vectors have as many components as the index's, whether it says so or not. */
  #calibration(value: unknown, dimensions: number): Calibration {
    const calibration = checkedCalibration({ dimensions, ...this.#object(value, "calibration") });
    if (calibration.dimensions !== dimensions) throw this.#wrong("its calibration is of vectors of another length");
    return calibration;
  }

  #object(value: unknown, what: string): Json {
    if (typeof value === "object" && value !== null && !Array.isArray(value)) return value as Json;
    throw this.#wrong(`${what} is not an object`);
  }

  #list(value: unknown, what: string, most: number): unknown[] {
    if (Array.isArray(value) && value.length <= most) return value;
    throw this.#wrong(`${what} is not a list of at most ${most}`);
  }

  #count(value: unknown, what: string, least: number, most: number): number {
    if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) return value;
    throw this.#wrong(`${what} is not a whole number from ${least} to ${most}`);
  }

  #text(value: unknown, what: string): string {
    if (typeof value === "string" && value !== "" && value.length <= 1_000) return value;
    throw this.#wrong(`${what} is not a text of at most 1000 characters`);
  }

  /** Returns an optional URL, absolute. */
  #url(value: unknown, what: string, index: string): string | undefined {
    if (value === undefined) return undefined;
    const text = this.#text(value, what);
    if (!URL.canParse(text, index)) throw this.#wrong(`${what} is not a URL`);
    const url = new URL(text, index);
    if (!/^https?:$/.test(url.protocol)) throw this.#wrong(`${what} is not an http URL`);
    return url.href;
  }
}
