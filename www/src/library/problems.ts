/** What a person should know, as keys of the message table. */

import { FelsicError } from "felsic";
import type { Problem } from "./types.js";

/** Whether an error says that the browser grants no more room. */
export function isFull(error: unknown): boolean {
  return error instanceof DOMException && error.name === "QuotaExceededError";
}

/** The problem that an error is to a person; `undefined` if it is none. */
export function problemOf(error: unknown, about: "work" | "model" | "import"): Problem | undefined {
  const code = error instanceof FelsicError ? error.code : isFull(error) ? "quota-exceeded" : undefined;
  const detail = error instanceof Error ? error.message : String(error);
  switch (code) {
    case "aborted":
    case "destroyed":
      return undefined;
    case "quota-exceeded":
      return { id: "quota", message: "library.problem.quota", code };
    case "index-invalid":
      return { id: "damaged", message: "library.problem.damaged", values: { detail }, code };
    case "vectors-disagree":
      return { id: "import", message: "library.problem.otherModel", code };
    default:
      return { id: about, message: `library.problem.${about}`, values: { detail }, ...(code && { code }) };
  }
}
