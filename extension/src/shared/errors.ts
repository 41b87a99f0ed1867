/** The errors of the extension, and how they get through messages, which are JSON. */

/** What went wrong, as a name that never changes. Errors of felsic keep their own codes. */
export type Code =
  /** The memory is switched off, or the page's site is not among the chosen ones. */
  | "off"
  /** The browser does not let the extension read this page. */
  | "not-allowed"
  /** The page is on the list of sites that are never remembered. */
  | "denied"
  /** The page is open in a private window. */
  | "private"
  /** The page asks not to be indexed. */
  | "noindex"
  /** The page has a field for a password or a payment card. */
  | "sensitive"
  /** The page has no text. */
  | "empty"
  /** Too many pages wait to be remembered. */
  | "queue-full"
  /** The engine cannot be started. */
  | "engine-unavailable"
  /** The engine does not have the page that is searched, or no longer. */
  | "not-read"
  /** The browser ended what was to answer. */
  | "interrupted"
  /** A message or a setting is not what it should be. */
  | "input-invalid"
  | "internal";

/** An error with a stable code, and a message for people that says what to do. */
export class ExtensionError extends Error {
  override readonly name = "ExtensionError";

  constructor(
    /** One of {@link Code}, or a code of felsic. */
    readonly code: Code | (string & {}),
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/** An error as plain data. */
export interface ErrorData {
  readonly code: string;
  readonly message: string;
}

/** What answers a message. */
export type Answer<Value> = { readonly ok: true; readonly value: Value } | { readonly ok: false; readonly error: ErrorData };

/** Returns an error as plain data; what has no code is `internal`. */
export function dataOf(error: unknown): ErrorData {
  const { code, message } = (typeof error === "object" && error !== null ? error : {}) as Partial<ErrorData>;
  return { code: typeof code === "string" ? code : "internal", message: typeof message === "string" ? message : String(error) };
}

/** Returns the answer that some work leads to; it never rejects. */
export async function answerOf<Value>(work: () => Value | Promise<Value>): Promise<Answer<Value>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    return { ok: false, error: dataOf(error) };
  }
}

/** Returns the value of an answer, or throws its error. `undefined` is what a caller sees whose listener was ended. */
export function valueOf<Value>(answer: Answer<Value> | undefined): Value {
  if (answer?.ok) return answer.value;
  const { code, message } = answer?.error ?? { code: "interrupted", message: "the browser ended the work; try again" };
  throw new ExtensionError(code, message);
}

/** Returns whether an error has a code. */
export function hasCode(error: unknown, ...codes: string[]): boolean {
  return codes.includes(dataOf(error).code);
}

/** Returns a message as a sentence. */
export function sentence(message: string): string {
  return `${message.charAt(0).toUpperCase()}${message.slice(1)}${/[.!?]$/.test(message) ? "" : "."}`;
}
