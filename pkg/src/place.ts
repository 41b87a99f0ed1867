/** Which model a caller means, and where it is. */

import { integrity, urls } from "./built-in.js";
import { hubFolder } from "./checkpoint/address.js";
import { absoluteUrl, invalid, type ModelOptions } from "./options.js";

/** Where a model is. */
export interface Place {
  /** The absolute URL of its folder, ending in `/`. */
  readonly model: string;
  /** The URLs of its files, by their names, where they are not those of the folder. */
  readonly urls?: Readonly<Record<string, string>>;
  readonly integrity?: string;
}

const HUB = "https://huggingface.co/";

/** The place of a model; without one of the built-in one. */
export function placeOf({ model, hub = HUB }: ModelOptions): Place {
  if (model === undefined) return { model: new URL(".", urls["manifest.json"]).href, urls, integrity };
  const url = hubFolder(model, absoluteUrl(hub, "hub")) ?? absoluteUrl(model, "model");
  if (url.username || url.password) throw invalid("model must not have a user and a password in it; for a host that needs a login there is headers");
  if (url.search || url.hash) throw invalid(`model has to be the URL of a folder, without ? and #: ${url.href}`);
  if (!url.pathname.endsWith("/")) url.pathname += "/";
  return { model: url.href };
}
