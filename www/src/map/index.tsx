/** The map of the library: documents on a plane, where those that are alike are near each other. */

import { useComputed, useSignal, type ReadonlySignal } from "@preact/signals";
import type { Collection, Hit } from "felsic/search";
import { Button } from "felsic-ui";
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Library, Place } from "../library/types.js";
import { Atlas } from "./atlas.js";
import type { Chart } from "./chart.js";
import { Groups, membersOf } from "./groups-list.js";
import { Previews } from "./previews.js";
import { Stage } from "./stage.js";
import { t } from "../app/messages/index.js";
import type { Point } from "./view.js";
import "./map.css";

/** What the map needs of the library. */
export type MapLibrary = Pick<Library, "collection" | "version">;

interface MapProps {
  readonly library: MapLibrary;
  /** What was found, which is lit up. */
  readonly hits: ReadonlySignal<readonly Hit[]>;
  /** The query, which is a point on the map; empty if there is none. */
  readonly query: ReadonlySignal<string>;
  readonly onOpen: (place: Place) => void;
  /** The ids of the documents that are selected. */
  readonly selected: ReadonlySignal<readonly string[] | undefined>;
  /** Hears the ids of the documents that are selected; `undefined` when none are any more. */
  readonly onSelect: (ids: readonly string[] | undefined) => void;
}

/** The map; there is none before the library is open. */
export function MapView({ library, ...props }: MapProps) {
  const collection = library.collection.value;
  return collection ? (
    <CollectionMap key={collection.info.name} collection={collection} version={library.version} {...props} />
  ) : (
    <Empty />
  );
}

interface CollectionMapProps extends Omit<MapProps, "library"> {
  readonly collection: Collection;
  readonly version: ReadonlySignal<number>;
}

function CollectionMap({ collection, version, hits, query, onOpen, selected, onSelect }: CollectionMapProps) {
  const atlas = useMemo(() => new Atlas(collection), [collection]);
  const previews = useMemo(() => new Previews(collection), [collection, version.value]);
  const [hasCanvas, setHasCanvas] = useState(true);
  // The cluster that was selected last; it is one no longer when something else is selected.
  const cluster = useSignal<{ readonly ids: readonly string[]; readonly group: number } | undefined>(undefined);
  useEffect(() => () => atlas.close(), [atlas]);
  useEffect(() => {
    let isFirst = true;
    return version.subscribe(() => {
      if (!isFirst) atlas.changed();
      isFirst = false;
    });
  }, [atlas, version]);

  const chart = atlas.chart.value;
  const place = usePlace(collection, chart, query.value);
  const marks = useComputed(() => {
    const at = atlas.chart.value?.at;
    const found = (ids: readonly string[]) => new Set(ids.map((id) => at?.get(id)).filter((index) => index !== undefined));
    const ids = selected.value;
    const group = cluster.value?.ids === ids ? cluster.value?.group : undefined;
    return { hits: found(hits.value.map(({ id }) => id)), chosen: ids && found(ids), group };
  });
  const select = (ids: readonly string[] | undefined) => {
    if (ids || selected.peek()) onSelect(ids);
  };
  const chooseGroup = (chart: Chart, group: number) => {
    if (marks.peek().group === group) return select(undefined);
    const ids = membersOf(chart.cluster, group).map((at) => chart.ids[at]!);
    cluster.value = { ids, group };
    select(ids);
  };

  if (!chart) return <Waiting atlas={atlas} />;
  const chosen = selected.value;
  const unplaced = collection.info.documents - chart.ids.length;
  return (
    <section class="atlas" aria-label={t("atlas.title")}>
      <div class="atlas-body">
        {hasCanvas ? (
          <Stage
            chart={chart}
            marks={marks.value}
            query={place}
            previews={previews}
            onOpen={(index) => onOpen({ id: chart.ids[index]!, start: 0, end: 0 })}
            onChoose={(indexes) => select(indexes.map((at) => chart.ids[at]!))}
            onGiveUp={() => select(undefined)}
            onAnew={() => atlas.anew()}
            onNoCanvas={() => setHasCanvas(false)}
          />
        ) : (
          <p class="map-note">{t("atlas.no-canvas")}</p>
        )}
        <div class="map-side">
          <Work atlas={atlas} />
          <div class="map-selection" role="status">
            {chosen && <span>{t("atlas.chosen", { count: chosen.length })}</span>}
          </div>
          {chosen && (
            <div>
              <Button kind="quiet" onClick={() => select(undefined)}>
                {t("atlas.give-up")}
              </Button>
            </div>
          )}
          {unplaced > 0 && <p class="map-help">{t("atlas.not-placed", { count: unplaced })}</p>}
          <Groups chart={chart} chosen={marks.value.group} onChoose={(group) => chooseGroup(chart, group)} onOpen={onOpen} />
        </div>
      </div>
    </section>
  );
}

/** What there is to see before there is a map. */
function Waiting({ atlas }: { readonly atlas: Atlas }) {
  const state = atlas.state.value;
  if (state.step === "empty") return <Empty />;
  return (
    <section class="atlas empty" aria-label={t("atlas.title")}>
      <Work atlas={atlas} />
      {state.step === "stopped" && <p>{t("atlas.stopped")}</p>}
      {(state.step === "stopped" || state.step === "failed") && (
        <Button kind="primary" onClick={() => atlas.anew()}>
          {t("atlas.start")}
        </Button>
      )}
    </section>
  );
}

/** Work that goes on, or what went wrong. */
function Work({ atlas }: { readonly atlas: Atlas }) {
  const state = atlas.state.value;
  if (state.step === "failed") {
    return (
      <p class="map-note" role="alert">
        {t("atlas.failed", { message: state.message })}
      </p>
    );
  }
  if (state.step !== "working") return null;
  return (
    <div class="map-work">
      <label>
        {t("atlas.working")}
        <progress class="progress" max={1} value={state.share} />
      </label>
      <Button kind="quiet" onClick={() => atlas.stop()}>
        {t("atlas.stop")}
      </Button>
    </div>
  );
}

function Empty() {
  return (
    <section class="atlas empty" aria-label={t("atlas.title")}>
      <h2>{t("atlas.empty")}</h2>
      <p>{t("atlas.empty-help")}</p>
    </section>
  );
}

/** Milliseconds without another letter before a query is placed. */
const REST = 250;

/** The place of a query on a map; none while it is not known, or the model is not there. */
function usePlace(collection: Collection, chart: Chart | undefined, query: string): Point | undefined {
  const [place, setPlace] = useState<Point | undefined>(undefined);
  useEffect(() => {
    if (!chart || query.trim() === "") {
      setPlace(undefined);
      return undefined;
    }
    const abort = new AbortController();
    const { ids, x, y } = chart;
    const timer = setTimeout(() => {
      // Without a model a query has no place; the search says why there is none.
      collection.place(query, { ids, x, y }, { signal: abort.signal }).then(
        (found) => abort.signal.aborted || setPlace(found),
        () => abort.signal.aborted || setPlace(undefined),
      );
    }, REST);
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [collection, chart, query]);
  return place;
}
