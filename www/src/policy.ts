/** What this page may do and which hosts it may ask. The page, its workers and the server's headers all take it from here. */

/** The hosts that packs may come from. The page itself and its workers obey it, see `allowedOrigins` of `Embedder.create()`. */
export const HOSTS: readonly string[] = ["https:", "http://localhost:*", "http://127.0.0.1:*"];

/** The content security policy of the page, and of its scripts if the server can send it with them. */
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

/** The headers that a server sends with every file: a worker's only policy is that of its own response. */
export const HEADERS: Readonly<Record<string, string>> = {
  // A `<meta>` element cannot say which pages may frame this one.
  "Content-Security-Policy": `${POLICY}; frame-ancestors 'none'`,
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
};
