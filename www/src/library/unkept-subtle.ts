/** Gives a worker the one part of `crypto.subtle` that felsic/search uses, where the browser has none. */

import { sha256 } from "./unkept-hash.js";

const subtle = {
  async digest(algorithm: "SHA-256", bytes: Uint8Array<ArrayBuffer>): Promise<ArrayBuffer> {
    if (algorithm !== "SHA-256") throw new DOMException(`${String(algorithm)} is not there`, "NotSupportedError");
    return sha256(bytes).slice().buffer;
  },
};

if (!(crypto.subtle as SubtleCrypto | undefined)) Object.defineProperty(crypto, "subtle", { value: subtle });
