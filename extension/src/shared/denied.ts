/** The list of sites that are never remembered, as it is before the user edits it. */

import list from "./denied.txt";

export const DENIED: readonly string[] = list
  .split("\n")
  .map((line) => line.trim())
  .filter((line) => line && !line.startsWith("#"));
