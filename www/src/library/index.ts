/** The library: everything that the page knows of a person's files, and does with them. */

import { HOSTS } from "../policy.js";
import { Reader } from "../reading/index.js";
import { type LibraryOptions, PrivateLibrary } from "./library.js";
import type { Library } from "./types.js";

export type { LibraryOptions } from "./library.js";
export type * from "./types.js";

/** Opens the library of this origin. Its signals tell the rest: what is stored appears in a moment, and the model a little later. */
export function openLibrary(options: Partial<LibraryOptions> = {}): Library {
  const embedder = { allowedOrigins: HOSTS, ...options.embedder };
  return new PrivateLibrary({ reader: () => new Reader(), ...options, embedder });
}
