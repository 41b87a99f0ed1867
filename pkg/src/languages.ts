/** The languages of the user's browser, which every request tells its host anyway, and the parts of a table that they need. */

/** The prefixes of table groups' names (docs/pack.md), by ISO 15924's codes of scripts. */
const FAMILIES: readonly (readonly [family: string, scripts: string])[] = [
  ["Latin", "Latn"],
  ["Cyrillic", "Cyrl Glag"],
  ["Arabic and Hebrew", "Arab Hebr Syrc Thaa Nkoo"],
  ["East Asian", "Hans Hant Jpan Kore Bopo Yiii"],
  ["Indic", "Deva Beng Guru Gujr Orya Taml Telu Knda Mlym Sinh Olck Mtei"],
];
const OTHER = "other";

/** Sorts shards as speakers of some languages need them: the first table group, those of their scripts, all others. */
export function byLanguage(
  shards: readonly number[],
  groupOf: (shard: number) => string,
  languages: readonly string[],
): number[] {
  const names = new Map(shards.map((shard) => [shard, groupOf(shard)]));
  const first = names.get(shards[0]!);
  const families = languages.map(familyOf);
  const rank = (shard: number) => {
    const name = names.get(shard)!;
    const at = families.findIndex((family) => name.startsWith(family));
    if (name === first) return -1;
    return at < 0 ? families.length : at;
  };
  return shards.toSorted((a, b) => rank(a) - rank(b));
}

function familyOf(language: string): string {
  const script = scriptOf(language);
  return FAMILIES.find(([, scripts]) => scripts.split(" ").includes(script))?.[0] ?? OTHER;
}

/** Returns the script in which a language is written most; Latin if the browser does not know. */
function scriptOf(language: string): string {
  try {
    return new Intl.Locale(language).maximize().script ?? "Latn";
  } catch {
    return "Latn";
  }
}
