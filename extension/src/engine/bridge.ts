/** The embedder for pages of sites that the user has allowed: what they may ask, how much, and who has asked how much. */

import { ExtensionError } from "../shared/errors.js";
import type { BridgeUse, EmbedAnswer, Input } from "../shared/messages.js";
import { FELSIC, type Model } from "./model.js";

/** The most texts and characters of a call. */
const MOST_TEXTS = 256;
const MOST_CHARACTERS = 1_000_000;
/** The most calls of a site that are under way. */
const MOST_CALLS = 4;
/** The most characters of a site in an hour: some ten thousand pages of a book. */
const HOURLY = 20_000_000;
const HOUR = 3_600_000;

interface Use {
  calls: number;
  texts: number;
  characters: number;
  since: number;
  hourly: number;
}

export class Bridge {
  readonly #model: () => Model;
  readonly #uses = new Map<string, Use>();
  #integrity: Promise<string> | undefined;

  /** `model` returns the built-in one: pages have it, too, and get the same vectors. */
  constructor(model: () => Model) {
    this.#model = model;
  }

  /** Returns the pin of the model, so that a page knows whether it is the one that it has itself. */
  async connect(): Promise<{ integrity: string }> {
    this.#integrity ??= pin();
    return { integrity: await this.#integrity };
  }

  /** Answers a page of a site. */
  async ask({ site, type, texts, options }: Input<"engine.bridge">): Promise<EmbedAnswer> {
    const use = this.#use(site);
    const checked = checkedTexts(texts);
    const characters = checked.reduce((sum, { length }) => sum + length, 0);
    if (use.calls >= MOST_CALLS) throw tooMuch(`${MOST_CALLS} calls of ${site} are under way`);
    if (use.hourly + characters > HOURLY) throw tooMuch(`${site} has embedded as much as a site may in an hour`);
    use.calls += 1;
    use.hourly += characters;
    try {
      const answer = await this.#answer(type, checked, options as Record<string, never>);
      use.texts += checked.length;
      use.characters += characters;
      return answer;
    } finally {
      use.calls -= 1;
    }
  }

  #use(site: string): Use {
    const use = this.#uses.get(site) ?? { calls: 0, texts: 0, characters: 0, since: Date.now(), hourly: 0 };
    if (Date.now() - use.since > HOUR) Object.assign(use, { since: Date.now(), hourly: 0 });
    this.#uses.set(site, use);
    return use;
  }

  /** Does one call; felsic checks the options. A page's texts never go ahead of what the user waits for. */
  #answer(type: string, texts: string[], options: Record<string, never>): Promise<EmbedAnswer> {
    return this.#model().use(async (embedder) => {
      switch (type) {
        case "create":
          return { plain: { info: embedder.info } };
        case "embed": {
          const all = await embedder.embedDetailed(texts, { ...options, priority: "normal" });
          return {
            vectors: all.map(({ vector }) => base64(vector)),
            tokens: all.map(({ tokens }) => tokens),
            truncated: all.map(({ truncated }) => Number(truncated)),
          };
        }
        case "tokenize":
          return { ids: [...(await embedder.tokenize(texts[0] ?? "", options))] };
        case "countTokens":
          return { plain: await embedder.countTokens(texts, options) };
        case "memoryBytes":
          return { plain: await embedder.memoryBytes() };
        default:
          throw new ExtensionError("input-invalid", `pages must not ask for ${type}`);
      }
    });
  }

  /** Tells who has asked for how much since the engine was started. */
  use(): BridgeUse[] {
    return [...this.#uses].map(([site, { texts, characters }]) => ({ site, texts, characters }));
  }
}

function checkedTexts(texts: unknown): string[] {
  if (!Array.isArray(texts) || !texts.every((text) => typeof text === "string")) {
    throw new ExtensionError("input-invalid", "texts must be strings");
  }
  if (texts.length > MOST_TEXTS) throw tooMuch(`a call may have ${MOST_TEXTS} texts, not ${texts.length}`);
  const characters = texts.reduce((sum, { length }) => sum + length, 0);
  if (characters > MOST_CHARACTERS) throw tooMuch(`a call may have ${MOST_CHARACTERS} characters, not ${characters}`);
  return texts;
}

function tooMuch(what: string): ExtensionError {
  return new ExtensionError("quota-exceeded", `${what}; ask for less, or use an embedder of the page's own`);
}

async function pin(): Promise<string> {
  const manifest = await (await fetch(new URL("model/manifest.json", FELSIC))).arrayBuffer();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", manifest));
  return `sha256-${btoa(String.fromCharCode(...hash))}`;
}

function base64(vector: Float32Array<ArrayBuffer>): string {
  let text = "";
  for (const byte of new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)) text += String.fromCharCode(byte);
  return btoa(text);
}
