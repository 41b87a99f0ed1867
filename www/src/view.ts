/** The page's elements by name, and how results and facts are shown. */

import type { EmbedderInfo } from "felsic";
import type { Hit } from "./library.js";

function element<Type extends HTMLElement>(id: string, type: new () => Type): Type {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page has no #${id}`);
  return found;
}

/** The elements that the page's script works with. */
export const ui = {
  notice: element("notice", HTMLElement),
  problem: element("problem", HTMLElement),
  addForm: element("add", HTMLFormElement),
  text: element("text", HTMLTextAreaElement),
  samples: element("samples", HTMLButtonElement),
  files: element("files", HTMLInputElement),
  clear: element("clear", HTMLButtonElement),
  library: element("library", HTMLElement),
  libraryCount: element("library-count", HTMLElement),
  embedding: element("embedding", HTMLProgressElement),
  searchForm: element("search", HTMLFormElement),
  query: element("query", HTMLInputElement),
  summary: element("summary", HTMLElement),
  results: element("results", HTMLOListElement),
  loadForm: element("load", HTMLFormElement),
  pack: element("pack", HTMLInputElement),
  device: element("device", HTMLSelectElement),
  modelState: element("model-state", HTMLElement),
  modelBytes: element("model-bytes", HTMLElement),
  loading: element("loading", HTMLProgressElement),
  facts: element("facts", HTMLDListElement),
  drop: element("drop", HTMLElement),
};

const wholeNumber = new Intl.NumberFormat("en");

/** Returns a count with its noun: `1 text`, `1,200 texts`. */
export function counted(count: number, noun: string): string {
  return `${wholeNumber.format(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Formats bytes as megabytes. */
export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(bytes < 1e7 ? 1 : 0)} MB`;
}

/** What a problem is about. The end of one problem does not end the others. */
export type Concern = "model" | "files" | "texts" | "query";

const problems = new Map<Concern, string>();

/** Shows a problem, or removes the last one of its kind. */
export function showProblem(concern: Concern, message: string | undefined): void {
  if (message === undefined) problems.delete(concern);
  else problems.set(concern, message);
  ui.problem.replaceChildren(...[...problems.values()].map(paragraph));
  ui.problem.hidden = problems.size === 0;
}

function paragraph(text: string): HTMLParagraphElement {
  const element = document.createElement("p");
  element.textContent = text;
  return element;
}

/** Shows the progress of something, and hides it at the end. */
export function showProgress(bar: HTMLProgressElement, part: number): void {
  bar.hidden = part >= 1;
  bar.value = part;
}

const BUILT_IN =
  "is felsic’s built-in model: small, for English, good for a first look. For other languages, longer texts and better " +
  "results load another one, such as a pack of IBM’s Granite.";
const UNTRAINED =
  "is filled with random numbers: it shows that the page works, and its scores mean nothing. For real results load a model " +
  "with trained weights.";

/** Says what a model is not good for, if it is one of the project's own. */
export function showNotice(info: EmbedderInfo | undefined, isBuiltIn: boolean): void {
  // Untrained weights are those that the project makes for its tests.
  const what = info === undefined ? undefined : isBuiltIn ? BUILT_IN : /tiny-|seeded/i.test(info.model) ? UNTRAINED : undefined;
  ui.notice.hidden = what === undefined;
  ui.notice.replaceChildren();
  if (!info || !what) return;
  const name = document.createElement("strong");
  name.textContent = info.model;
  ui.notice.append(name, ` ${what}`);
}

/** The facts about a loaded model, in the order in which they are shown. */
const FACTS = {
  model: "Model",
  device: "Device",
  kernel: "Kernel",
  weights: "Weights",
  dimensions: "Dimensions",
  longest: "Longest text",
  loaded: "Loaded in",
  speed: "Speed",
  query: "Last query",
  memory: "Memory",
};

/** The known facts about the loaded model. */
export type Facts = Partial<Record<keyof typeof FACTS, string>>;

/** Shows the facts that there are. */
export function showFacts(facts: Facts): void {
  const names = Object.keys(FACTS) as (keyof Facts)[];
  const rows = names.flatMap((key) => {
    const value = facts[key];
    if (value === undefined) return [];
    const row = document.createElement("div");
    const term = document.createElement("dt");
    const description = document.createElement("dd");
    term.textContent = FACTS[key];
    description.textContent = value;
    row.append(term, description);
    return [row];
  });
  ui.facts.replaceChildren(...rows);
  ui.facts.hidden = rows.length === 0;
}

/** Shows the nearest passages, best first. */
export function showHits(hits: readonly Hit[]): void {
  ui.results.replaceChildren(...hits.map(hitItem));
}

function hitItem({ passage, score, isNear }: Hit): HTMLLIElement {
  const item = document.createElement("li");
  item.classList.toggle("far", isNear === false);
  const text = document.createElement("p");
  text.className = "passage";
  // The browser finds out the direction of the text.
  text.dir = "auto";
  text.textContent = passage.text;

  const foot = document.createElement("p");
  foot.className = "foot";
  const bar = document.createElement("span");
  bar.className = "bar";
  bar.ariaHidden = "true";
  const fill = document.createElement("span");
  fill.style.width = `${Math.max(0, Math.min(1, score)) * 100}%`;
  bar.append(fill);
  const value = document.createElement("span");
  value.className = "score";
  value.textContent = score.toFixed(3);
  value.title = "cosine of text and query";
  const source = document.createElement("span");
  source.className = "source";
  source.textContent = passage.source;
  foot.append(bar, value, source);

  item.append(text, foot);
  return item;
}
