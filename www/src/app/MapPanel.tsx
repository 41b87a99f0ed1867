/** The map of the library, beside the list that it filters. */

import { Empty } from "felsic-ui";
import { useEffect, useState } from "preact/hooks";
import type { MapView } from "../map/index.js";
import { reason, useApp } from "./context.js";
import { t } from "./messages/index.js";
import { PaneHead } from "./Pane.js";
import { go } from "./route.js";

type State = "loading" | { readonly problem: string } | { readonly View: typeof MapView };

export function MapPanel() {
  const { library, searching, selection } = useApp();
  const [state, setState] = useState<State>("loading");
  useEffect(() => {
    import("../map/index.js").then(
      ({ MapView }) => setState({ View: MapView }),
      (error: unknown) => setState({ problem: reason(error) }),
    );
  }, []);
  const isEmpty = library.files.value.length === 0;
  return (
    <>
      <PaneHead title={t("map.title")} icon="map" />
      <div class="map-holder">
        {isEmpty ? (
          <Empty icon="map" title={t("map.empty")} />
        ) : state === "loading" ? (
          <p class="quiet-line">{t("reader.loading")}</p>
        ) : "problem" in state ? (
          <Empty icon="warning" title={t("map.failed", { reason: state.problem })} />
        ) : (
          <state.View
            library={library}
            hits={searching.hits}
            query={searching.query}
            onOpen={({ id, start, end }) => go({ view: "reader", open: id, start, end })}
            selected={selection}
            onSelect={(ids) => (selection.value = ids)}
          />
        )}
      </div>
    </>
  );
}
