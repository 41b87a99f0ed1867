/** The one error class. Codes are stable; messages are for people and may change. */

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
  // The machine's.
  "device-unavailable",
  "self-test-failed",
  // A defect in felsic.
  "internal",
] as const;

/** What went wrong, as a name that never changes. */
export type FelsicErrorCode = (typeof ERROR_CODES)[number];

/** An error as it crosses the worker border, where class and extra properties would be lost. */
export interface ErrorMessage {
  readonly code: FelsicErrorCode;
  readonly message: string;
  readonly cause?: string;
}

/** What every call of felsic rejects with. */
export class FelsicError extends Error {
  declare readonly name: "FelsicError";
  readonly code: FelsicErrorCode;

  static {
    // On the prototype, since a stack begins with the name that its error has while it is being made; and on the
    // class, whose own name is lost where a bundler makes names short.
    for (const named of [this.prototype, this]) {
      Object.defineProperty(named, "name", { value: "FelsicError", writable: true, configurable: true });
    }
  }

  constructor(code: FelsicErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}

/** Whether an unknown value is one of the codes. */
export function isErrorCode(value: unknown): value is FelsicErrorCode {
  return (ERROR_CODES as readonly unknown[]).includes(value);
}

/** A {@link FelsicError} from what came over the border. */
export function fromMessage({ code, message, cause }: ErrorMessage): FelsicError {
  return new FelsicError(code, message, cause === undefined ? undefined : { cause });
}

/** The error of a signal that has aborted; its reason is the cause. */
export function abortedBy(signal: AbortSignal): FelsicError {
  return new FelsicError("aborted", "aborted by the caller", { cause: signal.reason });
}

/** One line about any thrown value. */
export function describe(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

/** An error with a code, as it crosses the worker border; nothing of any other. */
export function knownError(error: unknown): ErrorMessage | undefined {
  if (!(error instanceof Error) || !("code" in error) || !isErrorCode(error.code)) return undefined;
  const { code, message, cause } = error;
  return { code, message, ...(cause !== undefined && { cause: describe(cause) }) };
}
