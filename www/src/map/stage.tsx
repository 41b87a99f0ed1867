/** The picture as a component: its elements, its buttons, and what a person does on it. */

import { useEffect, useId, useRef, useState } from "preact/hooks";
import type { Chart } from "./chart.js";
import { nameOf, type Preview, type Previews } from "./previews.js";
import { type Marks, Scene } from "./scene.js";
import { t } from "../app/messages/index.js";
import type { Point } from "./view.js";

interface StageProps {
  readonly chart: Chart;
  readonly marks: Marks;
  readonly query: Point | undefined;
  readonly previews: Previews;
  readonly onOpen: (index: number) => void;
  readonly onChoose: (indexes: readonly number[]) => void;
  readonly onGiveUp: () => void;
  readonly onAnew: () => void;
  /** The browser cannot draw it. */
  readonly onNoCanvas: () => void;
}

/** Milliseconds that the pointer rests before a document is read for its tip. */
const REST = 90;

/** The picture. */
export function Stage(props: StageProps) {
  const { chart, marks, query, previews } = props;
  const root = useRef<HTMLDivElement>(null);
  const keys = useId();
  const scene = useRef<Scene | undefined>(undefined);
  // The scene lives longer than a rendering, and calls what the last one was given.
  const latest = useRef(props);
  latest.current = props;
  const [pointed, setPointed] = useState<number | undefined>(undefined);
  const [isChoosing, setChoosing] = useState(false);
  const choosing = useRef(false);
  choosing.current = isChoosing;

  useEffect(() => {
    const find = <T extends Element>(selector: string) => root.current!.querySelector<T>(selector)!;
    const parts = {
      stage: find<HTMLElement>(".map-stage"),
      canvas: find<HTMLCanvasElement>("canvas"),
      labels: find<HTMLElement>(".map-labels"),
      query: find<HTMLElement>(".map-query"),
      ring: find<HTMLElement>(".map-ring"),
      tip: find<HTMLElement>(".map-tip"),
      line: find<SVGPolygonElement>("polygon"),
    };
    const made = Scene.on(parts, {
      pointed: setPointed,
      opened: (index) => latest.current.onOpen(index),
      chosen: (indexes) => {
        setChoosing(false);
        latest.current.onChoose(indexes);
      },
      given: () => {
        setChoosing(false);
        latest.current.onGiveUp();
      },
      isChoosing: () => choosing.current,
    });
    if (!made) latest.current.onNoCanvas();
    scene.current = made;
    return () => made?.end();
  }, []);
  useEffect(() => {
    scene.current?.show(chart);
    setPointed(undefined);
  }, [chart]);
  useEffect(() => scene.current?.mark(marks), [marks, chart]);
  useEffect(() => scene.current?.ask(query), [query]);

  const id = pointed === undefined ? undefined : chart.ids[pointed];
  const preview = usePreview(previews, id);
  // The tip has grown.
  useEffect(() => scene.current?.redraw(), [preview, id]);
  return (
    <div class="map-picture" ref={root}>
      <div
        class={`map-stage${isChoosing ? " choosing" : ""}`}
        tabIndex={0}
        role="application"
        aria-label={t("atlas.stage")}
        aria-describedby={keys}
      >
        <canvas aria-hidden="true" />
        <div class="map-labels" aria-hidden="true" />
        <svg class="map-line" aria-hidden="true">
          <polygon />
        </svg>
        <i class="map-query" title={t("atlas.query")} hidden />
        <i class="map-ring" hidden />
        <div class="map-tip" role="status">
          {id !== undefined && (
            <>
              <strong>{preview?.title ?? nameOf(id)}</strong>
              {preview?.words && <span>{preview.words}</span>}
            </>
          )}
        </div>
      </div>
      <p id={keys} class="map-unseen">
        {t("atlas.keys")}
      </p>
      <div class="map-tools">
        <Tool label={t("atlas.zoom-in")} shape="M8 3v10M3 8h10" onClick={() => scene.current?.zoom(1.6)} />
        <Tool label={t("atlas.zoom-out")} shape="M3 8h10" onClick={() => scene.current?.zoom(1 / 1.6)} />
        <Tool
          label={t("atlas.whole")}
          shape="M2.5 6V2.5H6M10 2.5h3.5V6M13.5 10v3.5H10M6 13.5H2.5V10"
          onClick={() => scene.current?.whole()}
        />
        <Tool
          label={t("atlas.choose")}
          help={t("atlas.choose-help")}
          shape="M8 2.5c3.6 0 6 1.6 6 3.8s-2.4 3.9-6 3.9-6-1.7-6-3.9 2.4-3.8 6-3.8M5.5 10c-1 1.2-.8 2.600.4 3.500"
          pressed={isChoosing}
          onClick={() => setChoosing(!isChoosing)}
        />
        <Tool
          label={t("atlas.anew")}
          help={t("atlas.anew-help")}
          shape="M13 8a5 5 0 1 1-1.5-3.550M13 2.5V5h-2.5"
          onClick={props.onAnew}
        />
      </div>
    </div>
  );
}

interface ToolProps {
  readonly label: string;
  readonly help?: string;
  readonly shape: string;
  readonly pressed?: boolean;
  readonly onClick: () => void;
}

function Tool({ label, help, shape, pressed, onClick }: ToolProps) {
  return (
    <button
      type="button"
      class="map-tool"
      aria-label={label}
      aria-pressed={pressed}
      title={help ? `${label}. ${help}` : label}
      onClick={onClick}
    >
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={shape} />
      </svg>
    </button>
  );
}

/** Reads what a tip says, when the pointer has rested. */
function usePreview(previews: Previews, id: string | undefined): Preview | undefined {
  const [found, setFound] = useState<{ readonly id: string; readonly preview: Preview } | undefined>(undefined);
  useEffect(() => {
    if (id === undefined) return undefined;
    let isOver = false;
    const timer = setTimeout(() => {
      void previews.of(id).then((preview) => {
        if (!isOver) setFound({ id, preview });
      });
    }, REST);
    return () => {
      isOver = true;
      clearTimeout(timer);
    };
  }, [previews, id]);
  return found?.id === id ? found?.preview : undefined;
}
