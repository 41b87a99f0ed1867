/** SHA-256 for pages that are no secure context: browsers compute none for them. Loaded for these alone. */

export { sha256 } from "@noble/hashes/sha2.js";
