/** The one error class. Codes are stable; messages are for people and may change. */

import { plain } from "./plain.js";

/** Every code that a {@link FelsicError} can have. */
export const ERROR_CODES = [
  // The pack, or what was made of the checkpoint, is not sound.
  "config-invalid",
  "config-unsupported",
  "tokenizer-invalid",
  "tokenizer-unsupported",
  "manifest-invalid",
  "manifest-unsupported",
  "weights-invalid",
  "tensor-missing",
  "tensor-shape",
  "tensor-type",
  "file-length",
  "file-integrity",
  // The pack could not be had.
  "not-found",
  "network",
  "io",
  // The caller's doing.
  "aborted",
  "destroyed",
  "input-invalid",
  // The search index is damaged, holds vectors of another space, or is offered vectors of another model.
  "index-invalid",
  "needs-reindex",
  "vectors-disagree",
  // The machine's.
  "quota-exceeded",
  "out-of-memory",
  "device-unavailable",
  "self-test-failed",
  // A defect in felsic.
  "internal",
] as const;

/** What went wrong, as a name that never changes. */
export type FelsicErrorCode = (typeof ERROR_CODES)[number];

/** An error with its cause as a text: the form that crosses the worker border, where class and extra properties would be lost. */
export interface ErrorMessage {
  readonly code: FelsicErrorCode;
  readonly message: string;
  readonly cause?: string;
}

/** A {@link FelsicError} as plain data, which survives `postMessage`, IndexedDB and JSON. */
export interface FelsicErrorData {
  /** Always `FelsicError`. */
  readonly name: "FelsicError";
  /** What went wrong, as a name that never changes. */
  readonly code: FelsicErrorCode;
  /** What went wrong and what to do, for people; may change. */
  readonly message: string;
  /** The error that led to this one, as a text. */
  readonly cause?: string;
}

/**
 * The error that every call of felsic rejects with.
 *
 * A structured clone of an error (`postMessage`, IndexedDB) keeps its message and its cause, but neither its class nor its
 * `code`; JSON keeps nothing of an error at all. Send `error.toJSON()`, and read it with {@link FelsicError.from}.
 */
export class FelsicError extends Error {
  /** Always `FelsicError`. */
  declare readonly name: "FelsicError";
  /** What went wrong, as a name that never changes. */
  readonly code: FelsicErrorCode;

  static {
    // On the prototype, since a stack begins with the name that its error has while it is being made; and on the
    // class, whose own name is lost where a bundler makes names short.
    for (const named of [this.prototype, this]) {
      Object.defineProperty(named, "name", { value: "FelsicError", writable: true, configurable: true });
    }
  }

  /** Creates an error. `message`, and a `cause` that is a text, may quote anything: both are made plain text. */
  constructor(code: FelsicErrorCode, message: string, options?: ErrorOptions) {
    const { cause } = options ?? {};
    super(plain(message), typeof cause === "string" ? { cause: plain(cause) } : options);
    this.code = code;
  }

  /**
   * Restores an error from the result of {@link FelsicError.toJSON}, or from an error of another copy of felsic, such as that of
   * another frame. Returns a {@link FelsicError} as it is, and `undefined` for any other value.
   */
  static from(value: unknown): FelsicError | undefined {
    if (value instanceof FelsicError) return value;
    if (typeof value !== "object" || value === null) return undefined;
    const { name, code, message, cause } = value as { readonly [key: string]: unknown };
    if (name !== "FelsicError" || typeof code !== "string" || typeof message !== "string") return undefined;
    if (isErrorCode(code)) return new FelsicError(code, message, cause === undefined ? undefined : { cause });
    return fromMessage(withUnknownCode(code, message, cause === undefined ? undefined : describe(cause)));
  }

  /** Returns the error as plain data, its cause as a text. `JSON.stringify()` uses this as well. */
  toJSON(): FelsicErrorData {
    const { code, message, cause } = this;
    return { name: "FelsicError", code, message, ...(cause !== undefined && { cause: describe(cause) }) };
  }
}

/** Whether an unknown value is one of the codes. */
export function isErrorCode(value: unknown): value is FelsicErrorCode {
  return (ERROR_CODES as readonly unknown[]).includes(value);
}

/** A {@link FelsicError} from what came over the border, perhaps from a worker of another build. */
export function fromMessage(error: ErrorMessage): FelsicError {
  const { code, message, cause } = withKnownCode(error.code, error.message, error.cause);
  return new FelsicError(code, message, cause === undefined ? undefined : { cause });
}

/** The error of a signal that has aborted; its reason is the cause. */
export function abortedBy(signal: AbortSignal): FelsicError {
  return new FelsicError("aborted", "aborted by the caller", { cause: signal.reason });
}

/** Waits for some work, but not once the signal has aborted. The work itself goes on for whoever else waits for it. */
export function orAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = () => reject(abortedBy(signal));
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

/** One line about any thrown value. */
export function describe(error: unknown): string {
  return plain(error instanceof Error ? `${error.name}: ${error.message}` : String(error));
}

/**
 * An error with a code, as it crosses the worker border; nothing of any other. An engine of another build may refuse a
 * call with a code that this one does not know: no more than that has happened, and the engine goes on.
 */
export function knownError(error: unknown): ErrorMessage | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  const { name, code, message, cause } = error;
  if (!isErrorCode(code) && (name !== "FelsicError" || typeof code !== "string")) return undefined;
  return withKnownCode(code, message, cause === undefined ? undefined : describe(cause));
}

/** A code that this build does not know is told in the cause. */
function withKnownCode(code: string, message: string, cause: string | undefined): ErrorMessage {
  return isErrorCode(code) ? { code, message, ...(cause !== undefined && { cause }) } : withUnknownCode(code, message, cause);
}

function withUnknownCode(code: string, message: string, cause: string | undefined): ErrorMessage {
  const unknown = `unknown code ${code}`;
  return { code: "internal", message, cause: cause === undefined ? unknown : `${unknown}: ${cause}` };
}
