/** Which host the model comes from: the page may ask it and its own host, and nobody else. */

import { HOSTS } from "../policy.js";

/** The hub of models that are named `owner/name`. */
const HUB = "https://huggingface.co";

/** An owner and a name, and perhaps a revision, as `Embedder.create()` takes them for a hub's model. */
const HUB_ID = /^[A-Za-z0-9][\w.-]*\/[A-Za-z0-9][\w.-]*(@[\w./-]+)?$/;

/** The hosts that a chosen one sends its large files from. Without them no model of the hub could be loaded. */
const COMPANIONS: Readonly<Record<string, readonly string[]>> = {
  [HUB]: [
    "https://cas-bridge.xethub.hf.co",
    "https://cdn-lfs.hf.co",
    "https://cdn-lfs-us-1.hf.co",
    "https://cdn-lfs-eu-1.hf.co",
    "https://cdn-lfs.huggingface.co",
    "https://us.aws.cdn.hf.co",
    "https://us.gcp.cdn.hf.co",
  ],
};

/** Whether models may come from an origin at all. */
export function isHost(origin: string): boolean {
  if (!URL.canParse(origin) || new URL(origin).origin !== origin) return false;
  const { protocol, hostname } = new URL(origin);
  return HOSTS.some((host) => host === protocol || host === `${protocol}//${hostname}:*`);
}

/**
 * Returns the origin that a model's address needs to be chosen; `undefined` for the built-in model, for models beside the page, and
 * for what is no address.
 *
 * @param model as `Embedder.create()` takes it
 * @param page URL of the page
 */
export function hostOf(model: string, page: string): string | undefined {
  if (model === "") return undefined;
  if (HUB_ID.test(model)) return HUB;
  if (!URL.canParse(model, page)) return undefined;
  const { origin } = new URL(model, page);
  return origin === new URL(page).origin || !isHost(origin) ? undefined : origin;
}

/**
 * Returns the host that a page has chosen: that of the model which its URL names (`?pack=`), otherwise the stored one.
 *
 * @param page URL of the page
 * @param stored what the person has chosen before
 */
export function choiceOf(page: string, stored: string | null | undefined): string | undefined {
  const named = new URL(page).searchParams.get("pack");
  if (named !== null) return hostOf(named, page);
  return stored && isHost(stored) ? stored : undefined;
}

/** Where the benchmark page lies, with and without its ending. */
const BENCHMARK = /\/bench(\.html)?$/;

/**
 * Returns all hosts that a page may ask besides its own: those of the chosen model and, for the benchmark page, those of the ONNX export
 * that its URL names (`?onnx=`).
 *
 * @param page URL of the page
 * @param stored what the person has chosen before
 */
export function hostsOfPage(page: string, stored: string | null | undefined): readonly string[] {
  const { pathname, searchParams } = new URL(page);
  const onnx = BENCHMARK.test(pathname) ? hostOf(searchParams.get("onnx") ?? "", page) : undefined;
  return [...new Set([...hostsOf(choiceOf(page, stored)), ...hostsOf(onnx)])];
}

/** Returns all hosts that may be asked when one is chosen, as `allowedOrigins` and policies take them. */
export function hostsOf(chosen: string | undefined): readonly string[] {
  return chosen === undefined ? [] : [chosen, ...(COMPANIONS[chosen] ?? [])];
}
