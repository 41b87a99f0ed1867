/** Which model a caller means, and where it is. */

import { baseOf, packageUrl } from "./base.js";
import { integrity, urls } from "./built-in.js";
import { hubFolder, isGguf } from "./checkpoint/address.js";
import { absoluteUrl, asFolder, checkedFiles, type CreateOptions, invalid, type ModelOptions } from "./options.js";

/** Where a model is. */
export interface Place {
  /** The absolute URL of its folder, ending in `/`, or of a GGUF file. */
  readonly model: string;
  /** The URLs of its files, by their names, if the files are not in the folder. */
  readonly urls?: Readonly<Record<string, string>>;
  readonly integrity?: string;
  /** The files themselves, if the caller has given them. */
  readonly files?: Readonly<Record<string, Blob>>;
}

/** What stands for the folder of files that were given, in messages. */
const GIVEN = "files/";
const HUB = "https://huggingface.co/";

/** Returns the place of a model; without a model, that of the built-in one. */
export function placeOf(options: ModelOptions): Place {
  const { model, hub = HUB } = options;
  if (model === undefined) return builtIn(baseOf(options));
  const url = hubFolder(model, absoluteUrl(hub, "hub")) ?? absoluteUrl(model, "model");
  if (url.username || url.password)
    throw invalid("model must not have a user and a password in it; for a host that needs a login there is headers");
  if (url.search || url.hash) throw invalid(`model must be the URL of a folder or of a GGUF file, without ? and #: ${url.href}`);
  return { model: (isGguf(url.href) ? url : asFolder(url)).href };
}

/** Returns the place of the model to load, which may have been given as files. */
export function placeToLoad(options: CreateOptions): Place {
  const files = checkedFiles(options);
  return files ? { model: GIVEN, files } : placeOf(options);
}

/** Returns the place of the built-in model; bundlers may have put its files anywhere. */
function builtIn(base: URL | undefined): Place {
  if (base) return { model: new URL("model/", base).href, integrity };
  const made = Object.fromEntries(Object.entries(urls).map(([name, url]) => [name, packageUrl(`model/${name}`, url, base)]));
  return { model: new URL(".", made["manifest.json"]).href, urls: made, integrity };
}
