/** Hashes of files. Browsers compute them for secure contexts alone; for other pages, a library does, which is loaded for them only. */

/** Returns the SHA-256 of a file, in hexadecimal digits. In a secure context the work is done off the page's thread. */
export async function sha256(file: Blob): Promise<string> {
  // Its type is that of a secure context.
  if (crypto.subtle as SubtleCrypto | undefined) return hex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  const { sha256: algorithm } = await import("./unkept-hash.js");
  const hash = algorithm.create();
  // Piece by piece, so that the page can do other things in between.
  for (let at = 0; at < file.size; at += PIECE) hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
  return hex(hash.digest());
}

/** Returns the SHA-256 of a text. */
export function sha256OfText(text: string): Promise<string> {
  return sha256(new Blob([text]));
}

/** Bytes that are hashed in a few milliseconds. */
const PIECE = 1 << 20;

function hex(digest: ArrayBuffer | Uint8Array): string {
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
