/** The messages between the page and the worker that makes a pack for an engine's worker. */

import type { ErrorMessage } from "../errors.js";
import type { CacheMode } from "../options.js";
import type { PackerFiles } from "../package.js";
import type { Access } from "../store/requests.js";
import type { Made } from "../store/types.js";
import type { Warning } from "../store/warning.js";
import type { LoadProgress } from "../types.js";

/** An engine's request to the page. */
export interface PackRequest {
  /** The URL of the checkpoint's folder. */
  readonly model: string;
  readonly cache: CacheMode;
  readonly access: Access;
  readonly allowedOrigins?: readonly string[] | undefined;
}

/** To the packer: the only request, which makes one pack. To cancel it, end the worker. */
export type ToPacker = PackRequest & PackerFiles;

/** From the packer. */
export type FromPacker =
  | { readonly type: "started" }
  | { readonly type: "progress"; readonly progress: LoadProgress }
  | { readonly type: "warning"; readonly warning: Warning }
  | { readonly type: "made"; readonly made: Made }
  | { readonly type: "error"; readonly error: ErrorMessage };
