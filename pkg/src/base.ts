/** The URLs of files of the package, which bundlers, hosts and callers may have put anywhere. */

import { FelsicError } from "./errors.js";
import { absoluteUrl, asFolder, type CreateOptions } from "./options.js";
import { located } from "./platform.js";

/** The folder that the caller serves the package's files from, if there is one. */
export function baseOf({ baseUrl }: Pick<CreateOptions, "baseUrl">): URL | undefined {
  if (baseUrl === undefined) return undefined;
  return asFolder(absoluteUrl(baseUrl, "baseUrl"));
}

/** Returns the absolute URL of a file of the package; `made` is the URL that bundlers have made. */
export function packageUrl(name: string, made: () => URL, base: URL | undefined): string {
  if (base) return new URL(name, base).href;
  try {
    return located(name, made).href;
  } catch (cause) {
    const message = `this bundle does not tell where felsic's ${name} is: serve the package's dist folder and name it with baseUrl`;
    throw new FelsicError("not-found", message, { cause });
  }
}
