/** The words on the search box, which a page can replace for other languages. */

/** A text for each plural category of `Intl.PluralRules`; `other` stands for those that are not there. */
export type Plural = Readonly<Record<"other", string>> & Readonly<Partial<Record<Intl.LDMLPluralRule, string>>>;

/**
 * The words on the search box. `{count}`, `{query}`, `{size}`, `{percent}` and `{reason}` are replaced. A text for several numbers may be
 * an object of plural categories, such as `{ "one": "1 result", "other": "{count} results" }`.
 */
export interface SearchLabels {
  /** On the button, and the dialog's name. */
  readonly search: string;
  /** In the empty field. */
  readonly placeholder: string;
  /** The name of the button that closes the dialog. */
  readonly close: string;
  /** The list's name. */
  readonly results: string;
  /** How many results there are, for screen readers; `{count}`. */
  readonly found: string | Plural;
  /** In place of results if there is none; `{query}`. */
  readonly nothing: string;
  /** Before the first letter; `{count}`. */
  readonly empty: string | Plural;
  /** Above the results that came later. */
  readonly meaning: string;
  /** Asks before a download on a metered line; `{size}`. */
  readonly ask: string;
  /** On the button that starts the download. */
  readonly yes: string;
  /** On the button that refuses it. */
  readonly no: string;
  /** On the button that is left after a refusal; `{size}`. */
  readonly later: string;
  /** During a download; `{size}` and `{percent}`. */
  readonly loading: string;
  /** Once meaning is searched. */
  readonly ready: string;
  /** If meaning cannot be searched; `{reason}`. */
  readonly failed: string;
  /** On the button that tries again. */
  readonly retry: string;
  /** If nothing can be searched; `{reason}`. */
  readonly broken: string;
  /** What the arrow keys do. */
  readonly move: string;
  /** What Enter does. */
  readonly open: string;
}

/** The words in English. */
export const ENGLISH: SearchLabels = {
  search: "Search",
  placeholder: "Search by word or meaning",
  close: "Close",
  results: "Results",
  found: { one: "1 result", other: "{count} results" },
  nothing: "Nothing found for “{query}”.",
  empty: { one: "Search in 1 page.", other: "Search in {count} pages." },
  meaning: "By meaning",
  ask: "Search by meaning needs {size}, once.",
  yes: "Download",
  no: "Words only",
  later: "Search by meaning ({size})",
  loading: "Fetching {size} for search by meaning: {percent}",
  ready: "Search by word and meaning",
  failed: "Search by meaning is not available; words are searched. {reason}",
  retry: "Try again",
  broken: "Search is not available. {reason}",
  move: "choose",
  open: "open",
};

/** Returns the words with those that a page has given; what has another form than the English ones is ignored. */
export function labelsFrom(given: unknown): SearchLabels {
  if (typeof given !== "object" || given === null) return ENGLISH;
  const known = Object.entries(given).filter(([name, value]) => {
    if (!Object.hasOwn(ENGLISH, name)) return false;
    return typeof value === "string" || (typeof ENGLISH[name as keyof SearchLabels] === "object" && isPlural(value));
  });
  return { ...ENGLISH, ...Object.fromEntries(known) };
}

/** Reads words from an attribute's JSON. */
export function labelsOf(json: string | null): SearchLabels {
  try {
    return labelsFrom(json === null ? undefined : JSON.parse(json));
  } catch {
    return ENGLISH;
  }
}

function isPlural(value: unknown): value is Plural {
  if (typeof value !== "object" || value === null || !("other" in value)) return false;
  return Object.values(value).every((text) => typeof text === "string");
}

/** Fills in the values of a text. */
export function filled(label: string | Plural, values: Readonly<Record<string, string | number>>, language?: string): string {
  const count = Number(values.count ?? 0);
  const text = typeof label === "string" ? label : (label[new Intl.PluralRules(language).select(count)] ?? label.other);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    if (!Object.hasOwn(values, name)) return whole;
    const value = values[name];
    return typeof value === "number" ? new Intl.NumberFormat(language).format(value) : String(value);
  });
}

/** Writes a number of bytes in megabytes. */
export function size(bytes: number, language?: string): string {
  const megabytes = bytes / 1e6;
  const digits = megabytes < 10 ? 1 : 0;
  const options = { style: "unit", unit: "megabyte", maximumFractionDigits: digits } as const;
  // Never "0 MB".
  return new Intl.NumberFormat(language, options).format(Math.max(megabytes, 0.1));
}

/** Writes a share from 0 to 1. */
export function percent(share: number, language?: string): string {
  return new Intl.NumberFormat(language, { style: "percent" }).format(Math.min(Math.max(share, 0), 1));
}

/** Returns a language that `Intl` knows; a page may name any. */
export function knownLanguage(language: string): string | undefined {
  try {
    return Intl.getCanonicalLocales(language)[0];
  } catch {
    return undefined;
  }
}
