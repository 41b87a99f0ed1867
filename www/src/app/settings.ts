/** What a person has chosen for this page; kept on this machine. */

import { batch, effect, signal } from "@preact/signals";
import { bestLanguage, type Language, LANGUAGES, language, speak } from "./messages/index.js";

export type Device = "auto" | "cpu" | "webgpu";
export const DEVICES: readonly Device[] = ["auto", "cpu", "webgpu"];
export type Theme = "auto" | "light" | "dark";
export const THEMES: readonly Theme[] = ["auto", "light", "dark"];

interface Stored {
  readonly language?: unknown;
  readonly theme?: unknown;
  readonly model?: unknown;
  readonly device?: unknown;
}

const KEY = "felsic-page";

function stored(): Stored {
  try {
    const value: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    // Storage that is not permitted, or that something else has written to, is storage with nothing in it.
    return {};
  }
}

const before = stored();
// A link may name the model and the device: ?pack=https://…/&device=webgpu
const asked = new URLSearchParams(location.search);
const oneOf = <Value extends string>(values: readonly Value[], value: unknown, otherwise: Value): Value =>
  values.find((one) => one === value) ?? otherwise;

export const chosenLanguage = signal<Language | "auto">(
  oneOf<Language | "auto">([...(Object.keys(LANGUAGES) as Language[])], before.language, "auto"),
);
export const theme = signal<Theme>(oneOf(THEMES, before.theme, "auto"));
/** The address of a pack or checkpoint; empty for the built-in model. */
export const model = signal<string>(asked.get("pack") ?? (typeof before.model === "string" ? before.model : ""));
export const device = signal<Device>(oneOf(DEVICES, asked.get("device") ?? before.device, "auto"));

/** What a link named counts for this visit alone, until the person chooses. */
let isFromLink = asked.has("pack") || asked.has("device");

/** Chooses a model and where it computes. */
export function choose(address: string, where: Device): void {
  isFromLink = false;
  batch(() => {
    model.value = address;
    device.value = where;
  });
  keep();
}

/** Shows the choices that the whole page shows; resolves when the words of the first language are there. */
export function applySettings(): Promise<void> {
  let speaking = Promise.resolve();
  effect(() => {
    speaking = speak(chosenLanguage.value === "auto" ? bestLanguage(navigator.languages) : chosenLanguage.value);
  });
  effect(() => {
    document.documentElement.lang = language.value;
  });
  effect(() => {
    if (theme.value === "auto") delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = theme.value;
  });
  return speaking;
}

/** Chooses a language or a theme. */
export function chooseLook(look: { readonly language?: Language | "auto"; readonly theme?: Theme }): void {
  if (look.language !== undefined) chosenLanguage.value = look.language;
  if (look.theme !== undefined) theme.value = look.theme;
  keep();
}

function keep(): void {
  const now = {
    language: chosenLanguage.value,
    theme: theme.value,
    ...(isFromLink ? { model: before.model, device: before.device } : { model: model.value, device: device.value }),
  };
  try {
    localStorage.setItem(KEY, JSON.stringify(now));
  } catch {
    // The choices then hold until the page is closed.
  }
}

/** Goes back to what holds without any choice; the library has deleted what was kept. */
export function forgetSettings(): void {
  batch(() => {
    chosenLanguage.value = "auto";
    theme.value = "auto";
    model.value = "";
    device.value = "auto";
  });
}
