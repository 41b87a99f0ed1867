/** Starts workers, and says why one does not start. For Node, build.mjs replaces this module with node/start.ts. */

import { FelsicError } from "./errors.js";

/** The longest time for finding out why a worker has not started, in milliseconds. */
const PATIENCE = 5000;

/** A worker that is starting. */
export interface Started {
  readonly worker: Worker;
  /** Ends it. */
  end(): void;
  /** Says whether somebody waits for it: otherwise it does not keep Node running. A page keeps its workers anyway. */
  hold(isAwaited: boolean): void;
  /**
   * Calls back when nothing in the worker has caught an error: before its first message, with the reason why it has not started;
   * later, with `crash` as the message.
   */
  onFailure(crash: string, callback: (error: FelsicError) => void): void;
}

/** The traces that a blocked worker leaves in a page. */
type Violation = Pick<SecurityPolicyViolationEvent, "effectiveDirective" | "blockedURI">;

/** The part of Trusted Types that is used here; TypeScript's library does not have them yet. */
interface Policies {
  createPolicy(name: string, rules: { createScriptURL(url: string): string }): { createScriptURL(url: string): string };
}

/** Whether workers can be started here. */
export function canStartWorkers(): boolean {
  return typeof Worker === "function";
}

/** Throws if no workers can be started here. */
export function requireWorkers(): void {
  if (!canStartWorkers()) throw new FelsicError("device-unavailable", noWorkers());
}

function noWorkers(): string {
  const scope = globalThis as {
    ServiceWorkerGlobalScope?: unknown;
    SharedWorkerGlobalScope?: unknown;
  };
  const instead = "create the embedder in a page or in a dedicated worker";
  if (scope.ServiceWorkerGlobalScope)
    return `a service worker cannot start workers: ${instead}, in an extension in an offscreen document`;
  if (scope.SharedWorkerGlobalScope) return `a shared worker cannot start workers here: ${instead}`;
  return `there are no workers here (Worker is not defined): ${instead}`;
}

/** Starts a module worker, whatever origin its script is from. Node's keep packs in `_cache`. */
export function startWorker(url: string, name: string, _cache?: string): Started {
  requireWorkers();
  // Browsers start workers only from the page's own origin; a script there may import one from anywhere.
  const blob = isOwn(new URL(url)) ? undefined : blobUrl(`import ${JSON.stringify(url)};`);
  const stopWatching = watchViolations();
  let worker;
  try {
    worker = new Worker(trusted(blob ?? url), { type: "module", name });
  } catch (cause) {
    if (blob !== undefined) URL.revokeObjectURL(blob);
    stopWatching();
    throw refused(url, cause);
  }
  const settled = () => {
    if (blob !== undefined) URL.revokeObjectURL(blob);
    return stopWatching();
  };
  // A worker's first message says that its script runs.
  let hasStarted = false;
  const started = () => {
    hasStarted = true;
    settled();
  };
  worker.addEventListener("message", started, { once: true });
  /** Never rejects. */
  const why = async (message: string) => {
    // The report of a policy and the answer to the request may come after the error.
    const answer = await ask(url);
    const violation = settled().find((violation) => isAbout(violation, url, blob));
    return new FelsicError(
      "network",
      violation ? forbidden(violation, url) : reason(url, answer, blob, message),
      message ? { cause: message } : undefined,
    );
  };
  return {
    worker,
    end() {
      worker.terminate();
      settled();
    },
    hold: () => undefined,
    onFailure(crash, callback) {
      worker.addEventListener("error", ({ message }) => {
        if (hasStarted) callback(new FelsicError("internal", crash, { cause: message }));
        else void why(message).then(callback);
      });
    },
  };
}

/** Whether a worker can be started from a URL as it is. */
function isOwn(url: URL): boolean {
  const { origin, location } = globalThis;
  // In some browsers the URLs of extensions have no origin.
  return url.origin === origin || (origin !== "null" && url.protocol === location?.protocol && url.host === location.host);
}

function blobUrl(script: string): string {
  return URL.createObjectURL(new Blob([script], { type: "text/javascript" }));
}

let policy: ReturnType<Policies["createPolicy"]> | undefined;

/** Returns the URL in the form that pages with Trusted Types require: made by the policy `felsic`, or by their default policy. */
function trusted(url: string): string {
  const { trustedTypes } = globalThis as { trustedTypes?: Policies };
  try {
    policy ??= trustedTypes?.createPolicy("felsic", { createScriptURL: (url) => url });
  } catch {
    // The page does not allow this policy, which matters only if it requires one.
  }
  return policy ? policy.createScriptURL(url) : url;
}

/** Says why `new Worker` has thrown. */
function refused(url: string, cause: unknown): FelsicError {
  if (cause instanceof TypeError && policy === undefined && "trustedTypes" in globalThis) {
    const message =
      "this page requires Trusted Types: allow felsic's policy with `trusted-types felsic` in its content security policy";
    return new FelsicError("network", `${message} (and 'allow-duplicates' for two copies of felsic)`, { cause });
  }
  const message = `the browser refuses to start a worker with ${url}: if the page has a content security policy, worker-src must allow it`;
  return new FelsicError("network", message, { cause });
}

/** Collects what policies forbid until the returned function is called, which returns the collection. */
function watchViolations(): () => readonly Violation[] {
  const violations: Violation[] = [];
  const note = (event: Event) => violations.push(event as SecurityPolicyViolationEvent);
  globalThis.addEventListener("securitypolicyviolation", note);
  return () => {
    globalThis.removeEventListener("securitypolicyviolation", note);
    return violations;
  };
}

function isAbout({ effectiveDirective, blockedURI }: Violation, url: string, blob: string | undefined): boolean {
  if (!/^(worker|child|script)-src/.test(effectiveDirective)) return false;
  return blockedURI === url || (blob !== undefined && /^blob(:|$)/.test(blockedURI)) || blockedURI === new URL(url).origin;
}

/** Says what a content security policy has to allow. */
function forbidden({ effectiveDirective, blockedURI }: Violation, url: string): string {
  const { origin } = new URL(url);
  const policy = `the page's content security policy forbids the worker: its ${effectiveDirective} must allow`;
  if (!blockedURI.startsWith("blob")) return `${policy} ${origin}`;
  return `${policy} blob: and ${origin}, since ${url} is of another origin; or serve felsic's files from the page's origin and name their folder with baseUrl`;
}

/** Returns the head of the answer to a request for the script, if it arrives in time. */
async function ask(url: string): Promise<Response | undefined> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), PATIENCE);
  const answer = await fetch(url, { signal: abort.signal }).catch(() => undefined);
  clearTimeout(timer);
  void answer?.body?.cancel().catch(() => {});
  return answer;
}

/** Says what is wrong with a script, from the answer to a request for it and from the browser's report. */
function reason(url: string, answer: Response | undefined, blob: string | undefined, message: string | undefined): string {
  const isForeign = blob !== undefined;
  const script = `the worker's script at ${url}`;
  const elsewhere = "if felsic's files are elsewhere, name their folder with baseUrl";
  if (!answer)
    return `${script} does not load${isForeign ? " (from another origin its host must send CORS headers)" : ""}; ${elsewhere}`;
  if (!answer.ok) return `${script} cannot be fetched: HTTP ${answer.status}; ${elsewhere}`;
  const type = answer.headers.get("content-type") ?? "";
  if (!/(java|ecma)script/i.test(type)) return `${url} is no script: its server says ${type || "no type"}; ${elsewhere}`;
  const { origin } = new URL(answer.url);
  if (!isForeign && !isOwn(new URL(answer.url)))
    return `${script} is redirected to ${origin}; name the folder there with baseUrl`;
  // Browsers report an error in a script; they report nothing about a script that they have blocked.
  if (message) return `${script} does not run: it is not felsic's, or not for this browser`;
  if (isForeign)
    return `the worker does not start: if the page has a content security policy, worker-src and script-src must allow ${origin}`;
  const coep = "Cross-Origin-Embedder-Policy";
  const hasHeader = answer.headers.has(coep);
  if (!hasHeader && globalThis.crossOriginIsolated)
    return `the page is cross-origin isolated, so ${url} must be served with ${coep}, too`;
  const header = hasHeader ? "" : `; or the page sends ${coep}, and the script must be served with that header, too`;
  return `${script} does not run: it is not felsic's, or not for this browser${header}`;
}
