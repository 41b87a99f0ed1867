/** Hashes of files. */

/** Returns the SHA-256 of a file, in hexadecimal digits. The work is done off the page's thread. */
export async function sha256(file: Blob): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
}

/** Returns the SHA-256 of a text. */
export async function sha256OfText(text: string): Promise<string> {
  return hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

function hex(digest: ArrayBuffer): string {
  return Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
