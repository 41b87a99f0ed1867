/** Hashes, and the names that cached files have. */

import { FelsicError } from "../errors.js";

/** The folder of packs. */
export const PACKS = "felsic";
/** The cache of what has been measured of GPUs. */
export const GPU_MEASURES = "felsic-gpu";
/** The ending of a file in progress, after the name that the file will have. */
export const PART = ".part";
const MANIFEST = ".manifest";

/** `sha256-` and 32 bytes in base64, as in the `integrity` of a script. */
const INTEGRITY = /^sha256-([A-Za-z0-9+/]{43}=)$/;

/** Returns the SHA-256, in hexadecimal, that an `integrity` names; `undefined` if it is not an `integrity`. */
export function pinnedHash(integrity: string): string | undefined {
  const base64 = INTEGRITY.exec(integrity)?.[1];
  return base64 === undefined ? undefined : hex(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
}

/** Returns the `integrity` of a SHA-256 in hexadecimal. */
export function integrityOf(sha256: string): string {
  const bytes = sha256.match(/../g) ?? [];
  return `sha256-${btoa(String.fromCharCode(...bytes.map((byte) => parseInt(byte, 16))))}`;
}

/** Computes a SHA-256 piece by piece: a class of the engine's wasm. */
export interface Hasher {
  update(piece: Uint8Array): void;
  /** Returns the hash in lower-case hexadecimal, and frees its memory. */
  finish(): string;
}

/** The number of bytes that are in wasm memory at a time. */
const PIECE = 1 << 20;
let makeHasher: (() => Promise<Hasher>) | undefined;

/** Sets what hashes in this worker if the browser does not: browsers hash only in secure contexts. */
export function hashWith(make: () => Promise<Hasher>): void {
  makeHasher = make;
}

/** Computes the SHA-256 of bytes, in lower-case hexadecimal. Without a secure context, only workers with an engine can. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (globalThis.crypto?.subtle) return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  const hasher = await makeHasher?.();
  if (!hasher) throw new FelsicError("device-unavailable", "this page can check no hash, as it is not a secure context (HTTPS)");
  for (let at = 0; at < bytes.length; at += PIECE) hasher.update(bytes.subarray(at, at + PIECE));
  return hasher.finish();
}

/** The `version` of the packs that this build makes; it cannot use packs of an older build. */
const PACK_VERSION = 2;

/** Returns the key of a checkpoint, which stands for its URL in the names of manifests of packs that this machine made. */
export function checkpointKey(model: string): string {
  return `checkpoint:${PACK_VERSION}:${model}`;
}

/** Returns the key of a search index, which may be in the folder of a pack. */
export function indexKey(url: string): string {
  return `index:${url}`;
}

/** Returns the prefix of the names of all manifests that were stored for a model's URL, or a checkpoint's key. */
export async function manifestPrefix(model: string): Promise<string> {
  return `${(await sha256(new TextEncoder().encode(model))).slice(0, 16)}-`;
}

/** Returns the name of a manifest: it is found by its model's URL and by its own hash. */
export function manifestName(prefix: string, sha256: string): string {
  return `${prefix}${sha256}${MANIFEST}`;
}

/** Returns the hash in a manifest's name; `undefined` if the name is not a manifest's. */
export function manifestHash(name: string): string | undefined {
  return /^[0-9a-f]{16}-([0-9a-f]{64})\.manifest$/.exec(name)?.[1];
}

/** Whether a value has the form of the SHA-256 that files are named by. */
export function isHash(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
