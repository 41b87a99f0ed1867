/** The benchmark page: settings to runs to a table. `run.mjs` drives the same functions through `felsicBench`. */

import { parseEngine } from "./engines.js";
import { compare, start, type Compared, type Load, type Remote } from "./measure";
import type { EngineChoice, Shape } from "./protocol";
import { label, timesTable, type Row } from "./report.js";

const SHAPES: readonly Shape[] = [
  { batch: 1, tokens: 16 },
  { batch: 1, tokens: 128 },
  { batch: 1, tokens: 512 },
  { batch: 8, tokens: 128 },
  { batch: 32, tokens: 32 },
  { batch: 1, tokens: 2048 },
];
/** Ticked at first: what a phone gets through in a minute. */
const AT_FIRST = 3;

/** What the page's address says. */
const given = new URLSearchParams(location.search);

const find = <T extends Element>(selector: string): T => {
  const element = document.querySelector<T>(selector);
  if (!element) throw new Error(`the page has no ${selector}`);
  return element;
};
const absolute = (address: string): string => new URL(address, location.href).href;

/** What the form says. */
function settings(form: FormData): { choices: EngineChoice[]; loads: Load[] } {
  const peer = String(form.get("peer"));
  const models = { pack: absolute(String(form.get("pack"))), peer: peer && absolute(peer) };
  const choices = form.getAll("engine").map((value) => parseEngine(String(value), models));
  if (!crossOriginIsolated && choices.some(({ engine, threads }) => threads > 1 && !engine.startsWith("felsic-"))) {
    throw new Error("this page is not cross-origin isolated, so there are no threads");
  }
  if (!choices.length) throw new Error("choose an engine");
  const runs = Math.max(1, Number(form.get("runs")) || 1);
  const loads = form.getAll("shape").map((value) => ({ ...SHAPES[Number(value)]!, runs }));
  if (!loads.length) throw new Error("choose a shape");
  return { choices, loads };
}

/** Shows the Markdown table's cells as a table of the page. */
function show(rows: Row[]): void {
  const lines = timesTable(rows)
    .split("\n")
    .map((line) => line.slice(2, -2).split(" | "));
  const [head = [], , ...body] = lines;
  const line = (cells: string[], kind: "th" | "td"): HTMLTableRowElement => {
    const row = document.createElement("tr");
    row.append(...cells.map((text) => Object.assign(document.createElement(kind), { textContent: text })));
    return row;
  };
  find("#result table").replaceChildren(line(head, "th"), ...body.map((cells) => line(cells, "td")));
  find<HTMLElement>("#result").hidden = rows.length === 0;
}

function wire(): void {
  const form = find<HTMLFormElement>("#settings");
  const button = find<HTMLButtonElement>("#settings button");
  const note = find("#note");
  for (const name of ["pack", "peer"]) {
    const value = given.get(name);
    if (value !== null) find<HTMLInputElement>(`input[name=${name}]`).value = value;
  }
  let done: Row[] = [];
  find("#shapes").append(
    ...SHAPES.map(({ batch, tokens }, i) => {
      const box = Object.assign(document.createElement("input"), {
        type: "checkbox",
        name: "shape",
        value: String(i),
        checked: i < AT_FIRST,
      });
      const label = document.createElement("label");
      label.append(box, ` ${batch} x ${tokens}`);
      return label;
    }),
  );
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    button.disabled = true;
    Promise.resolve()
      .then(() => settings(new FormData(form)))
      .then(({ choices, loads }) =>
        compare(choices, loads, (line, { rows }) => {
          note.textContent = line;
          show((done = rows));
        }),
      )
      .then(
        ({ failures }) => (note.textContent = ["Done.", ...failures.map(({ part, message }) => `${part}: ${message}`)].join(" ")),
      )
      .catch((error: unknown) => (note.textContent = error instanceof Error ? error.message : String(error)))
      .finally(() => (button.disabled = false));
  });
  find("#copy").addEventListener("click", () => {
    void navigator.clipboard.writeText(JSON.stringify({ machine: "", browser: navigator.userAgent, rows: done }, null, 1));
  });
}

/** One engine alone: how long it takes to start and what memory it needs. The page keeps it until `finish`. */
let alone: Remote | undefined;

const felsicBench = {
  compare: (choices: EngineChoice[], loads: Load[]): Promise<Compared> =>
    compare(choices, loads, (line, compared) => {
      if (line) console.log(line);
      else window.felsicCompared?.(compared);
    }),
  async start(choice: EngineChoice): Promise<{ ready_ms: number; first_vector_ms: number; wasm_bytes: number | null }> {
    const { remote, readyMs, firstVectorMs } = await start(choice);
    alone = remote;
    return { ready_ms: readyMs, first_vector_ms: firstVectorMs, wasm_bytes: await remote.memory() };
  },
  /** Runs each shape once and gives the bytes of WebAssembly memory afterwards. */
  async fill(shapes: Shape[]): Promise<number | null> {
    if (!alone) throw new Error("call start first");
    for (const shape of shapes) {
      console.log(`${label(alone.choice)}: memory with ${shape.batch} x ${shape.tokens}`);
      await alone.run(shape, 1);
    }
    return alone.memory();
  },
};

/** Steps that a page tells the server of when nobody drives it. */
const tell = (step: string): Promise<Response> => fetch(`/note/${step}`);
const EMBEDDINGS = 100;

/** `?alone=ENGINE`: loads one engine, embeds as often as memory is to be judged by, and tells the server. */
async function runAlone(text: string): Promise<void> {
  const peer = given.get("peer");
  const models = { pack: absolute(given.get("pack") ?? ""), peer: peer ? absolute(peer) : "" };
  const { remote } = await start(parseEngine(text, models));
  await tell("loaded");
  for (let run = 0; run < EMBEDDINGS; run++) await remote.run({ batch: 1, tokens: 128 }, run);
  await tell("done");
}

declare global {
  interface Window {
    felsicBench: typeof felsicBench;
    /** Hears what has been measured, after every shape. */
    felsicCompared?: (compared: Compared) => void;
  }
}
window.felsicBench = felsicBench;
wire();
const engineAlone = given.get("alone");
if (engineAlone) {
  runAlone(engineAlone).catch(async (error: unknown) => {
    find("#note").textContent = String(error);
    await tell("failed");
  });
}
