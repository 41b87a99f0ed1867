/** Private search: finds the texts nearest to a question, all in this page. */

import { type Device, Embedder, FelsicError } from "felsic";
import { allowedOrigins, startShell } from "./app-shell/index.js";
import { Library } from "./library.js";
import { FileError, fromFile, fromTyped } from "./passages.js";
import { SAMPLES } from "./samples.js";
import { counted, type Facts, megabytes, showFacts, showHits, showNotice, showProblem, showProgress, ui } from "./view.js";

const HITS = 10;
/**
 * How much nearer to a query than to nonsense a text has to be to count as close. Measured with the built-in model over the
 * samples and over this project's documents (24 and 79 passages): 33 of 40 queries that have an answer find a close text;
 * 63 of 70 queries that have none, 40 of them nonsense, find none. With other models a text counts as not close only if it is
 * no nearer to the query than to nonsense.
 */
const BUILT_IN_MARGIN = 0.1;
/** The largest number of files, and of lines of files, that a message names. */
const MOST_REFUSED = 5;
/** Milliseconds after the last key before a query is embedded. */
const PAUSE = 150;

const library = new Library();
const shell = startShell();

let facts: Facts = {};
let embedder: Embedder | undefined;
/** Whether there is a model, or will be. */
let modelState: "loading" | "ready" | "none" = "loading";
/** How much nearer than nonsense a text has to be to count as close. */
let margin = 0;
/** Ends the current load, and when the next model comes, the work with the last one. */
let loading = new AbortController();
let indexing: AbortController | undefined;
let asking = new AbortController();
let question: Float32Array | undefined;
let keyPause: ReturnType<typeof setTimeout> | undefined;

async function loadModel(model: string, device: Device): Promise<void> {
  loading.abort();
  const { signal } = (loading = new AbortController());
  dropModel();
  showProblem("model", undefined);
  ui.modelState.textContent = "Loading the model…";
  void ask();
  showProgress(ui.loading, 0);
  const start = performance.now();
  try {
    const made = await Embedder.create({
      // Without a model, the built-in one is used.
      ...(model !== "" && { model }),
      device,
      signal,
      allowedOrigins: allowedOrigins(),
      onProgress: ({ loadedBytes, totalBytes }) => {
        // The vocabulary table still arrives after a model is ready.
        if (embedder) return shell.noteModel({ state: "ready", loadedBytes, totalBytes });
        showProgress(ui.loading, totalBytes > 0 ? Math.min(0.999, loadedBytes / totalBytes) : 0);
        ui.modelBytes.textContent = `${megabytes(loadedBytes)} of ${megabytes(totalBytes)}`;
      },
    });
    if (signal.aborted) return made.destroy();
    takeModel(made, model === "", performance.now() - start);
  } catch (error) {
    if (signal.aborted) return;
    loseModel("No model.", `The model could not be loaded: ${reason(error)}`);
  }
  showProgress(ui.loading, 1);
  ui.modelBytes.textContent = "";
}

/** Shows that there is no model, and that none is coming. */
function loseModel(state: string, problem: string): void {
  dropModel();
  modelState = "none";
  shell.noteModel({ state: "failed", loadedBytes: 0, totalBytes: 0 });
  ui.modelState.textContent = state;
  showProblem("model", problem);
  showLibrary();
  void ask();
}

/** Whether an error is a defect. If so, drops the model: its engine has ended, and every further call would fail the same way. */
function isTheEnd(error: unknown): boolean {
  if (!(error instanceof FelsicError) || error.code !== "internal") return false;
  loseModel("The model has stopped. Load it again.", `The model has stopped: ${reason(error)}`);
  return true;
}

/** Forgets the model, all its vectors and all messages about them. */
function dropModel(): void {
  modelState = "loading";
  showProblem("texts", undefined);
  showProblem("query", undefined);
  indexing?.abort();
  asking.abort();
  embedder?.destroy();
  embedder = undefined;
  question = undefined;
  library.forgetVectors();
  facts = {};
  showFacts(facts);
  showHits([]);
  showNotice(undefined, false);
  showLibrary();
}

function takeModel(made: Embedder, isBuiltIn: boolean, milliseconds: number): void {
  embedder = made;
  modelState = "ready";
  margin = isBuiltIn ? BUILT_IN_MARGIN : 0;
  const { info } = made;
  ui.modelState.textContent = "Ready.";
  showNotice(info, isBuiltIn);
  facts = {
    model: info.model,
    device: info.device === "cpu" ? "CPU" : "WebGPU",
    kernel: info.kernel,
    weights: info.format,
    dimensions: String(info.dimensions),
    longest: counted(info.maxTokens, "token"),
    loaded: `${(milliseconds / 1000).toFixed(2)} s`,
  };
  showFacts(facts);
  void indexTexts();
  void ask();
}

/** Embeds texts without a vector; one run at a time, which includes texts that are added meanwhile. */
async function indexTexts(): Promise<void> {
  showLibrary();
  if (!embedder || (indexing && !indexing.signal.aborted)) return;
  const engine = embedder;
  const { signal } = (indexing = new AbortController());
  try {
    do {
      await library.embed(engine, signal, () => {
        showLibrary();
        rank();
      });
      await library.measureNoise(engine, margin, signal);
      rank();
      // Texts may have been added while nonsense was measured.
    } while (library.progress.done < library.size);
    indexing = undefined;
    facts.memory = megabytes(await engine.memoryBytes());
    showFacts(facts);
  } catch (error) {
    // Work that ended because another model or other texts replaced it is not a problem.
    if (signal.aborted || engine !== embedder) return;
    indexing = undefined;
    if (!isTheEnd(error)) showProblem("texts", `The texts could not be embedded: ${reason(error)}`);
  }
}

const READINESS = { ready: "ready to search", loading: "waiting for the model", none: "but no model to search them with" };

function showLibrary(): void {
  const { done, total, tokens, milliseconds } = library.progress;
  const isEmbedding = modelState === "ready" && done < total;
  ui.clear.disabled = total === 0;
  ui.library.textContent =
    total === 0 ? "No texts yet." : isEmbedding ? "Embedding…" : `${counted(total, "text")}, ${READINESS[modelState]}.`;
  ui.libraryCount.textContent = isEmbedding ? `${done} of ${counted(total, "text")}` : "";
  showProgress(ui.embedding, isEmbedding ? done / total : 1);
  if (milliseconds > 0) {
    facts.speed = `${counted(Math.round(tokens / (milliseconds / 1000)), "token")}/s`;
    showFacts(facts);
  }
  if (ui.query.value.trim() === "") showInvitation();
}

function showInvitation(): void {
  showHits([]);
  ui.summary.textContent = library.size === 0 ? "Add texts, then ask." : "Ask something.";
}

function addTexts(texts: readonly string[], source: string): void {
  showProblem("files", undefined);
  takeTexts(texts, source);
}

function takeTexts(texts: readonly string[], source: string): void {
  if (texts.length === 0) return;
  const added = library.add(texts, source);
  void indexTexts();
  if (added === 0) ui.library.textContent = "Those texts are here already.";
}

/** Adds the readable parts of files; one message lists all others, whatever comes after it. */
async function addFiles(files: Iterable<File>): Promise<void> {
  showProblem("files", undefined);
  const refused: string[] = [];
  for (const file of files) {
    try {
      const contents = fromFile(file.name, new Uint8Array(await file.arrayBuffer()));
      if (contents.passages.length + contents.refused.length === 0) refused.push(`${file.name} has no text`);
      refused.push(...contents.refused);
      takeTexts(contents.passages, file.name);
    } catch (error) {
      refused.push(error instanceof FileError ? error.message : `${file.name} cannot be read`);
    }
  }
  if (refused.length === 0) return;
  const more = refused.length - MOST_REFUSED;
  const list = refused.slice(0, MOST_REFUSED).join("; ");
  showProblem("files", `Not added: ${list}${more > 0 ? `; and ${more} more` : ""}.`);
}

/** Embeds the current query and ranks by it. A newer query replaces an older one. */
async function ask(): Promise<void> {
  clearTimeout(keyPause);
  asking.abort();
  const { signal } = (asking = new AbortController());
  const query = ui.query.value.trim();
  question = undefined;
  if (query === "") return showInvitation();
  if (!embedder) {
    ui.summary.textContent =
      modelState === "loading" ? "Waiting for the model…" : "There is no model to search with. Load one under “Model”.";
    return;
  }
  const start = performance.now();
  try {
    question = await embedder.embed(query, { taskType: "retrieval-query", signal });
    showProblem("query", undefined);
    facts.query = `${(performance.now() - start).toFixed(0)} ms`;
    showFacts(facts);
    rank();
  } catch (error) {
    if (!signal.aborted && !isTheEnd(error)) showProblem("query", `The query could not be embedded: ${reason(error)}`);
  }
}

function rank(): void {
  if (!question) return;
  const hits = library.nearest(question, HITS);
  showHits(hits);
  const { done, total } = library.progress;
  const among = done < total ? `${done} of ${counted(total, "text")} so far` : counted(total, "text");
  const nothing = hits.length > 0 && hits.every(({ isNear }) => isNear === false) ? "No text is close to this. " : "";
  ui.summary.textContent =
    hits.length === 0 ? "Nothing to search yet: add texts." : `${nothing}The nearest ${hits.length} of ${among}.`;
}

/** Returns the end of a sentence that says why something failed, with the code for looking it up. */
function reason(error: unknown): string {
  if (!(error instanceof Error)) return `${String(error)}.`;
  const code = error instanceof FelsicError ? ` (${error.code})` : "";
  return `${error.message}${code}.`;
}

/** Whether files or text are dragged; the text field itself handles text over it. */
function isForThePage({ dataTransfer, target }: DragEvent): boolean {
  const types = dataTransfer?.types ?? [];
  return types.includes("Files") || (types.includes("text/plain") && target !== ui.text);
}

ui.addForm.addEventListener("submit", (event) => {
  event.preventDefault();
  addTexts(fromTyped(ui.text.value), "typed");
  ui.text.value = "";
});

ui.text.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) ui.addForm.requestSubmit();
});

ui.samples.addEventListener("click", () => addTexts(SAMPLES, "samples"));

ui.files.addEventListener("change", () => {
  void addFiles([...(ui.files.files ?? [])]);
  ui.files.value = "";
});

ui.clear.addEventListener("click", () => {
  indexing?.abort();
  library.clear();
  showLibrary();
  rank();
});

ui.searchForm.addEventListener("submit", (event) => {
  event.preventDefault();
  void ask();
});

ui.query.addEventListener("input", () => {
  clearTimeout(keyPause);
  keyPause = setTimeout(() => void ask(), PAUSE);
});

ui.loadForm.addEventListener("submit", (event) => {
  event.preventDefault();
  void loadModel(ui.pack.value.trim(), ui.device.value as Device);
});

document.addEventListener("dragover", (event) => {
  if (!isForThePage(event)) return;
  event.preventDefault();
  ui.drop.hidden = false;
});

document.addEventListener("dragleave", (event) => {
  if (event.relatedTarget === null) ui.drop.hidden = true;
});

document.addEventListener("drop", (event) => {
  if (!isForThePage(event)) return;
  event.preventDefault();
  ui.drop.hidden = true;
  const { files } = event.dataTransfer ?? {};
  if (files && files.length > 0) void addFiles([...files]);
  else addTexts(fromTyped(event.dataTransfer?.getData("text/plain") ?? ""), "dropped");
});

// A link may name the model: ?pack=https://…/&device=webgpu
const parameters = new URLSearchParams(location.search);
ui.pack.value = parameters.get("pack") ?? ui.pack.value;
const wanted = parameters.get("device") ?? "";
if ([...ui.device.options].some(({ value }) => value === wanted)) ui.device.value = wanted;

void loadModel(ui.pack.value, ui.device.value as Device);
