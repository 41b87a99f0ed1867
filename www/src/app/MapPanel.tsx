/** The map of the library, beside the list that it filters. */

import { Empty } from "felsic-ui";
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { reason, useApp } from "./context.js";
import { t } from "./messages/index.js";
import { PaneHead } from "./Pane.js";
import { loadMap, type MapProps } from "./seams.js";
import { go } from "./route.js";

type State = "loading" | "missing" | { readonly problem: string } | { readonly View: ComponentType<MapProps> };

export function MapPanel() {
  const { library, searching, selection } = useApp();
  const [state, setState] = useState<State>("loading");
  useEffect(() => {
    loadMap().then(
      (module) => setState(module ? { View: module.MapView } : "missing"),
      (error: unknown) => setState({ problem: reason(error) }),
    );
  }, []);
  const isEmpty = library.files.value.length === 0;
  return (
    <>
      <PaneHead title={t("map.title")} icon="map" />
      <p class="quiet-line map-text">{t("map.text")}</p>
      <div class="map">
        {isEmpty ? (
          <Empty icon="map" title={t("map.empty")} />
        ) : state === "loading" ? (
          <p class="quiet-line">{t("reader.loading")}</p>
        ) : state === "missing" ? (
          <Empty icon="map" title={t("map.missing")} />
        ) : "problem" in state ? (
          <Empty icon="warning" title={t("map.failed", { reason: state.problem })} />
        ) : (
          <state.View
            library={library}
            hits={searching.hits}
            query={searching.query}
            onOpen={({ id, start, end }) => go({ view: "reader", open: id, start, end })}
            onSelect={(ids) => (selection.value = ids)}
          />
        )}
      </div>
    </>
  );
}
