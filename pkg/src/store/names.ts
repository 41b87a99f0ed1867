/** Hashes, and the names that cached files have. */

import { FelsicError } from "../errors.js";

/** A file in progress is called as it will be, with this behind it. */
export const PART = ".part";
const MANIFEST = ".manifest";

/** `sha256-` and 32 bytes in base64, as in the `integrity` of a script. */
const INTEGRITY = /^sha256-([A-Za-z0-9+/]{43}=)$/;

/** The SHA-256, in hexadecimal, that an `integrity` names; nothing if it is not one. */
export function pinnedHash(integrity: string): string | undefined {
  const base64 = INTEGRITY.exec(integrity)?.[1];
  return base64 === undefined ? undefined : hex(Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0)));
}

/** The `integrity` of a SHA-256 in hexadecimal. */
export function integrityOf(sha256: string): string {
  const bytes = sha256.match(/../g) ?? [];
  return `sha256-${btoa(String.fromCharCode(...bytes.map((byte) => parseInt(byte, 16))))}`;
}

/** What computes a SHA-256 of pieces: a class of the engine's wasm. */
export interface Hasher {
  update(piece: Uint8Array): void;
  /** In lower-case hexadecimal. Frees its memory. */
  finish(): string;
}

/** Bytes that are in wasm memory at a time. */
const PIECE = 1 << 20;
let makeHasher: (() => Promise<Hasher>) | undefined;

/** Says who hashes in this worker where the browser does not: it does so only in secure contexts. */
export function hashWith(make: () => Promise<Hasher>): void {
  makeHasher = make;
}

/** The SHA-256 of bytes, in lower-case hexadecimal. Where there is no secure context, only in workers with an engine. */
export async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  if (globalThis.crypto?.subtle) return hex(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
  const hasher = await makeHasher?.();
  if (!hasher) throw new FelsicError("device-unavailable", "this page can check no hash, as it is not a secure context (HTTPS)");
  for (let at = 0; at < bytes.length; at += PIECE) hasher.update(bytes.subarray(at, at + PIECE));
  return hasher.finish();
}

/** `version` of the packs that this build makes; packs that an older one made are of no use to it. */
const PACK_VERSION = 2;

/** What stands for the URL of a checkpoint where manifests are named, whose pack was made on this machine. */
export function checkpointKey(model: string): string {
  return `checkpoint:${PACK_VERSION}:${model}`;
}

/** What the names of all manifests start with that were stored for a model's URL, or a checkpoint's key. */
export async function manifestPrefix(model: string): Promise<string> {
  return `${(await sha256(new TextEncoder().encode(model))).slice(0, 16)}-`;
}

/** The name of a manifest: it is found by its model's URL and by its own hash. */
export function manifestName(prefix: string, sha256: string): string {
  return `${prefix}${sha256}${MANIFEST}`;
}

/** The hash in a manifest's name; nothing if the name is not a manifest's. */
export function manifestHash(name: string): string | undefined {
  return /^[0-9a-f]{16}-([0-9a-f]{64})\.manifest$/.exec(name)?.[1];
}

/** Whether a value has the form of a SHA-256 as files are named by. */
export function isHash(value: unknown): boolean {
  return typeof value === "string" && /^[0-9a-f]{64}$/.test(value);
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
