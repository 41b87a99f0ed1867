/** The page: what will be measured, the button, and what was found. */

import { Button, Field, Progress } from "felsic-ui";
import { useEffect, useRef, useState } from "preact/hooks";
import { hostOf } from "../app-shell/host.js";
import { t } from "../app/messages/index.js";
import { measure, PLAN, type Plan, type Step } from "./measure.js";
import { type Report, reportOf } from "./report.js";
import { Results } from "./Results.js";

interface BenchProps {
  /** The model that the page's address names; empty for the built-in one. */
  readonly model: string;
  /** Address of an ONNX export for transformers.js, likewise; empty: it takes no part. */
  readonly onnx: string;
  /** What else the address says: other counts than the usual ones. */
  readonly given: URLSearchParams;
  readonly allowedOrigins: readonly string[];
}

type State =
  | { readonly name: "idle" | "stopped" }
  | { readonly name: "running"; readonly step: Step }
  | { readonly name: "done"; readonly report: Report }
  | { readonly name: "failed"; readonly message: string };

/** The page. */
export function Bench({ model, onnx, given, allowedOrigins }: BenchProps) {
  const [state, setState] = useState<State>({ name: "idle" });
  const abort = useRef<AbortController | undefined>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  const [takesPart, setTakesPart] = useState(onnx !== "");
  const host = hostOf(model, location.href);
  const onnxHost = hostOf(onnx, location.href);
  const plan = planOf(given);

  const start = async () => {
    const { signal } = (abort.current = new AbortController());
    const note = (step: Step) => setState({ name: "running", step });
    note({ name: "loading", share: 0 });
    try {
      const { rows, failures } = await measure({
        plan,
        ...(model !== "" && { model }),
        ...(takesPart && { onnx }),
        allowedOrigins,
        signal,
        note,
      });
      setState({ name: "done", report: await reportOf(plan, rows, failures) });
    } catch (error) {
      if (signal.aborted) setState({ name: "stopped" });
      else setState({ name: "failed", message: error instanceof Error ? error.message : String(error) });
    }
  };

  const isRunning = state.name === "running";
  return (
    <main class="bench">
      <header>
        <p>
          <a href="./index.html">{t("bench.back")}</a>
        </p>
        <h1>{t("bench.title")}</h1>
        <p class="lead">{t("bench.lead")}</p>
      </header>
      <section aria-labelledby="bench-start">
        <h2 id="bench-start">{t("bench.measure")}</h2>
        <p>{t("bench.what", { queries: plan.queries, batches: plan.batches, passages: plan.passages, loads: plan.loads })}</p>
        {host !== undefined && <p class="bench-host">{t("bench.host", { host, model })}</p>}
        {onnx !== "" && (
          <div class="bench-host">
            <label>
              <input type="checkbox" checked={takesPart} disabled={isRunning} onChange={() => setTakesPart(!takesPart)} />{" "}
              {t("bench.onnx-too")}
            </label>
            <p>{t("bench.onnx-host", { host: onnxHost ?? location.origin, model: onnx })}</p>
          </div>
        )}
        <div class="bench-row">
          <Button kind="primary" size="large" disabled={isRunning} onClick={() => void start()}>
            {t(host === undefined && !takesPart ? "bench.start" : "bench.start-download")}
          </Button>
          {isRunning && <Button onClick={() => abort.current?.abort()}>{t("bench.stop")}</Button>}
        </div>
        <div role="status">
          {isRunning && <p>{stepText(state.step)}</p>}
          {state.name === "stopped" && <p>{t("bench.stopped")}</p>}
          {state.name === "done" && <p>{t("bench.done")}</p>}
        </div>
        {isRunning && <Progress label={t("bench.progress")} value={state.step.share} />}
        {state.name === "failed" && <p role="alert">{t("bench.failed", { message: state.message })}</p>}
      </section>
      {state.name === "done" && <Results report={state.report} />}
      <Model model={model} onnx={onnx} isRunning={isRunning} />
      <section aria-labelledby="bench-others">
        <h2 id="bench-others">{t("bench.others")}</h2>
        <p>{t("bench.others-text")}</p>
        <pre>cargo xtask bench</pre>
      </section>
    </main>
  );
}

/** Another model: its address becomes a part of the page's, since a page may ask only the host that was chosen before it was loaded. */
function Model({ model, onnx, isRunning }: { readonly model: string; readonly onnx: string; readonly isRunning: boolean }) {
  const [pack, setPack] = useState(model);
  const [other, setOther] = useState(onnx);
  const chosen = [["pack", pack.trim()] as const, ["onnx", other.trim()] as const].filter(([, value]) => value !== "");
  return (
    <section aria-labelledby="bench-model">
      <h2 id="bench-model">{t("bench.model")}</h2>
      <form
        class="bench-form"
        onSubmit={(event) => {
          event.preventDefault();
          const { pathname } = location;
          location.assign(chosen.length === 0 ? pathname : `${pathname}?${new URLSearchParams(chosen.map((pair) => [...pair]))}`);
        }}
      >
        <Field label={t("bench.address")} help={t("bench.address-help")} value={pack} onInput={setPack} type="url" />
        <Field label={t("bench.onnx")} help={t("bench.onnx-help")} value={other} onInput={setOther} type="url" />
        <Button submits disabled={isRunning || (pack.trim() === model && other.trim() === onnx)}>
          {t("bench.choose")}
        </Button>
      </form>
    </section>
  );
}

function stepText({ name, engine }: Step): string {
  return t(`bench.step.${name}`, { engine: engine ? t(`bench.engine.${engine}`) : "" });
}

/** The usual counts, or smaller ones that the page's address names, for a try; the report has them. */
function planOf(given: URLSearchParams): Plan {
  const count = (name: keyof Plan) => {
    const value = Number(given.get(name) ?? NaN);
    return Number.isInteger(value) && value >= 1 && value <= 999 ? value : PLAN[name];
  };
  return {
    loads: count("loads"),
    queries: count("queries"),
    batches: count("batches"),
    passages: count("passages"),
    sizes: count("sizes"),
  };
}
