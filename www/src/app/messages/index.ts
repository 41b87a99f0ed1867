/** What the interface says, in the person's language. Reading a message in a component makes the component follow the language. */

import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { en } from "./en.js";

/** A message, or one for each plural form that the language has. */
type Message = string | ({ readonly [Form in Intl.LDMLPluralRule]?: string } & { readonly other: string });

/** The words of one language: the same keys in each. */
export type Messages = { readonly [Key in keyof typeof en]: (typeof en)[Key] extends string ? string : Exclude<Message, string> };
export type MessageKey = keyof Messages;
export type Values = Readonly<Record<string, string | number>>;

/** Tables that are there, and what loads the others. */
const tables: Partial<Record<Language, Messages>> = { en };
const LOADERS: Readonly<Partial<Record<Language, () => Promise<Messages>>>> = { de: async () => (await import("./de.js")).de };
/** Languages that there are words for, by their own names. */
export const LANGUAGES = { en: "English", de: "Deutsch" } as const;
export type Language = keyof typeof LANGUAGES;

/** Returns the first of the languages that a person reads and that there are words for. */
export function bestLanguage(wanted: readonly string[]): Language {
  for (const tag of wanted) {
    const base = tag.toLowerCase().split("-")[0] ?? "";
    if (base in LANGUAGES) return base as Language;
  }
  return "en";
}

const spoken = signal<Language>("en");
/** The language of the interface. */
export const language: ReadonlySignal<Language> = spoken;
let wanted: Language = "en";

/** Changes the language when its words are there; of several calls the last one counts. If they cannot be loaded, nothing changes. */
export async function speak(next: Language): Promise<void> {
  wanted = next;
  try {
    const load = LOADERS[next];
    if (load && !tables[next]) tables[next] = await load();
  } catch {
    return;
  }
  if (wanted === next && tables[next]) spoken.value = next;
}

/** What dates and numbers are written like: the person's own region, if it is one of the language. */
const locale = computed(
  () =>
    navigator.languages.find((tag) => bestLanguage([tag]) === language.value && tag.startsWith(language.value)) ?? language.value,
);
const plurals = computed(() => new Intl.PluralRules(locale.value));
const numbers = computed(() => new Intl.NumberFormat(locale.value));
const scores = computed(() => new Intl.NumberFormat(locale.value, { minimumFractionDigits: 2, maximumFractionDigits: 2 }));
const dates = computed(() => new Intl.DateTimeFormat(locale.value, { dateStyle: "medium" }));
const times = computed(() => new Intl.DateTimeFormat(locale.value, { timeStyle: "medium" }));

/** Returns a message with its values filled in. `count` chooses the plural form; numbers are written as the language does. */
export function t(key: MessageKey, values: Values = {}): string {
  const message: Message = (tables[language.value] ?? en)[key];
  const count = values.count;
  const form = typeof message === "string" ? message : (message[plurals.value.select(Number(count ?? 0))] ?? message.other);
  return form.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? numbers.value.format(value) : value;
  });
}

/** Whether there is a message of this name. */
export const isMessage = (key: string): key is MessageKey => Object.hasOwn(en, key);

export const number = (value: number): string => numbers.value.format(value);
export const score = (value: number): string => scores.value.format(value);
export const date = (milliseconds: number): string => dates.value.format(milliseconds);
export const time = (milliseconds: number): string => times.value.format(milliseconds);

const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;

/** Returns a number of bytes as a person reads it. */
export function bytes(count: number): string {
  const power = Math.min(UNITS.length - 1, count < 1000 ? 0 : Math.floor(Math.log10(count) / 3));
  const value = count / 1000 ** power;
  const unit = UNITS[power] ?? "byte";
  const maximumFractionDigits = power > 0 && value < 100 ? 1 : 0;
  // "byte" has no plural in its short form.
  const unitDisplay = power === 0 ? "long" : "short";
  return new Intl.NumberFormat(locale.value, { style: "unit", unit, unitDisplay, maximumFractionDigits }).format(value);
}

/** Returns how long something takes, in the one unit that tells it well. */
export function duration(seconds: number): string {
  const [value, unit] =
    seconds < 90
      ? ([Math.max(1, Math.ceil(seconds)), "second"] as const)
      : seconds < 5400
        ? ([Math.round(seconds / 60), "minute"] as const)
        : ([Math.round(seconds / 3600), "hour"] as const);
  return new Intl.NumberFormat(locale.value, { style: "unit", unit, unitDisplay: "long" }).format(value);
}
