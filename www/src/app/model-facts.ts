/** What is known of the model that is loaded, for notices and panels. */

import { effect, signal } from "@preact/signals";
import type { Library, ModelState } from "../library/types.js";
import { bytes, isMessage, number, t } from "./messages/index.js";

export type KnownFacts = Readonly<Record<string, string | number>>;

export const facts = signal<KnownFacts>({});

/** Milliseconds after which facts are looked up again while a person looks at them. */
const OFTEN = 2000;

/** Keeps the facts up to date: whenever the model changes, and while someone looks at them. */
export function followFacts(library: Library): void {
  effect(() => {
    const { state } = library.model.value;
    void library.version.value;
    void library.progress.value?.step;
    if (state !== "loading") refreshFacts(library);
  });
}

function refreshFacts(library: Library): void {
  library.facts().then(
    (known) => (facts.value = known),
    // What is not known is not shown.
    () => (facts.value = {}),
  );
}

/** Has the facts looked up often; returns what ends that. */
export function watchFacts(library: Library): () => void {
  refreshFacts(library);
  const timer = setInterval(() => refreshFacts(library), OFTEN);
  return () => clearInterval(timer);
}

/** What a model is not good for, if it is one of the project's own. */
export type Weakness = "builtIn" | "untrained" | undefined;

/** Returns it; the built-in model is the one without an address, untrained ones are those that the project makes for its tests. */
export function weaknessOf({ model, address }: KnownFacts): Weakness {
  if (model === undefined) return undefined;
  if (/tiny-|seeded/i.test(String(model))) return "untrained";
  return address === undefined || address === "" ? "builtIn" : undefined;
}

/** Says how far a model is that is being loaded. */
export function loadingText({ loadedBytes, totalBytes }: ModelState): string {
  if (totalBytes === 0) return t("status.starting");
  return t("status.loading", { loaded: bytes(loadedBytes), total: bytes(totalBytes) });
}

const BYTES = /Bytes$/;

/** Returns some of the facts, as a panel shows them. */
export function shownFacts(known: KnownFacts, names: readonly string[]): (readonly [name: string, value: string])[] {
  return names.flatMap((name) => {
    const value = known[name];
    const key = `fact.${name}`;
    if (value === undefined || !isMessage(key)) return [];
    const said = `fact.${name}.${value}`;
    const text = isMessage(said)
      ? t(said)
      : typeof value === "string"
        ? value
        : BYTES.test(name)
          ? bytes(value)
          : name === "speed"
            ? t("progress.speed", { count: value })
            : number(value);
    return [[t(key), text] as const];
  });
}
