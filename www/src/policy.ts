/**
 * What this page may do and which hosts it may ask. The page, its workers and the server's headers all take it from here.
 *
 * The file of the page allows every host that models may come from, since a file cannot know which one is chosen. The page's first
 * script (`app-shell/first.ts`) adds the policy of the chosen host alone: where there are several policies, all of them bind.
 */

/** The hosts that models may come from. */
export const HOSTS: readonly string[] = ["https:", "http://localhost:*", "http://127.0.0.1:*"];

/**
 * Returns a content security policy.
 *
 * @param hosts that may be asked besides the page's own
 */
export function policyFor(hosts: readonly string[]): string {
  return [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "worker-src 'self'",
    "style-src 'self'",
    // Pictures and fonts that are in the person's own files.
    "img-src 'self' blob:",
    "font-src 'self' blob:",
    `${connect(hosts)}`,
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
}

/** Returns the part of a policy that says which hosts may be asked. */
export function connect(hosts: readonly string[]): string {
  return ["connect-src 'self'", ...hosts].join(" ");
}

/** The content security policy in the page's file. */
export const POLICY: string = policyFor(HOSTS);

/**
 * The headers of every file, with a policy: a worker's only policy is that of its own response. A `<meta>` element cannot say which
 * pages may frame this one.
 */
export function headers(policy: string): Readonly<Record<string, string>> {
  return {
    "Content-Security-Policy": `${policy}; frame-ancestors 'none'`,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
  };
}

/** What the demo's server sends with every file. */
export const HEADERS: Readonly<Record<string, string>> = headers(POLICY);
