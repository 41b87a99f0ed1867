/** What this page may do and whom it may ask. The page, its workers and the server's headers all have it from here. */

/** Whom packs may come from. The page itself and its workers keep to it, see `allowedOrigins` of `Embedder.create()`. */
export const HOSTS: readonly string[] = ["https:", "http://localhost:*", "http://127.0.0.1:*"];

/** The content security policy of the page, and of its scripts where the server can send it with them. */
export const POLICY = [
  "default-src 'none'",
  "script-src 'self' 'wasm-unsafe-eval'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  `connect-src 'self' ${HOSTS.join(" ")}`,
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

/** What a server sends with every file: a worker has no other policy than that of its own response. */
export const HEADERS: Readonly<Record<string, string>> = {
  // A meta element cannot say who may frame the page.
  "Content-Security-Policy": `${POLICY}; frame-ancestors 'none'`,
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};
