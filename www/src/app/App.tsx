/** The frame: the field on top, the ways to the views, the results, and beside them what is open. */

import { effect } from "@preact/signals";
import { Icon, type IconName } from "felsic-ui";
import { useEffect } from "preact/hooks";
import { DropTarget } from "./Adding.js";
import { type App as Parts, AppContext, isNarrow, useApp } from "./context.js";
import { Filters } from "./Filters.js";
import { KeysDialog } from "./Keys.js";
import { focusResults, opensElsewhere } from "./keys.js";
import { LibraryPanel } from "./LibraryPanel.js";
import { MapPanel } from "./MapPanel.js";
import { t } from "./messages/index.js";
import { Notices } from "./Notices.js";
import { PrivacyPanel } from "./PrivacyPanel.js";
import { NothingOpen, Reader } from "./Reader.js";
import { Results, Summary } from "./Results.js";
import { beside, closePane, go, hashOf, route, type View } from "./route.js";
import { SearchBar } from "./SearchBar.js";
import { SettingsPanel } from "./SettingsPanel.js";
import { StatusBar } from "./StatusBar.js";
import { Welcome } from "./Welcome.js";

export function App({ parts }: { readonly parts: Parts }) {
  return (
    <AppContext.Provider value={parts}>
      <Frame />
      <Notices />
      <KeysDialog />
      <DropTarget />
    </AppContext.Provider>
  );
}

function Frame() {
  const { library } = useApp();
  const { view, query, like } = route.value;
  useEffect(
    () =>
      effect(() => {
        const asked = route.value.query.trim();
        document.title = `${asked === "" ? t("app.name") : asked.slice(0, 60)} · felsic`;
      }),
    [],
  );
  const isNew = library.files.value.length === 0 && query === "" && like === "";
  // In a narrow window what is open takes the place of the results.
  const showsList = !isNarrow.value || view === undefined;
  const showsPane = view !== undefined || (!isNarrow.value && !isNew);
  return (
    <div class={`app${isNew ? " new" : ""}${showsPane ? " split" : ""}${showsList ? "" : " over"}`}>
      <button type="button" class="skip button" onClick={focusResults}>
        {t("app.skip")}
      </button>
      <header class="top">
        <h1 class="brand">
          <img src="./favicon.svg" alt="" width="26" height="26" />
          <span class="unseen">{`felsic: ${t("app.name")}`}</span>
        </h1>
        <SearchBar />
      </header>
      <Navigation />
      <main class="list" id="results" aria-label={t("results.label")} hidden={!showsList}>
        {isNew ? (
          <Welcome />
        ) : (
          <>
            <div class="list-head">
              <Filters />
              <Summary />
            </div>
            <Results />
          </>
        )}
      </main>
      {showsPane && (
        // Where it takes the place of the results, it is what the page is about.
        <div
          role={showsList ? "complementary" : "main"}
          class={`pane view-${view ?? "none"}`}
          aria-label={t(view === undefined || view === "reader" ? "reader.label" : `nav.${view}`)}
        >
          <Pane view={view} />
        </div>
      )}
      <StatusBar />
    </div>
  );
}

function Pane({ view }: { readonly view: View | undefined }) {
  switch (view) {
    case "library":
      return <LibraryPanel />;
    case "map":
      return <MapPanel />;
    case "privacy":
      return <PrivacyPanel />;
    case "settings":
      return <SettingsPanel />;
    case "reader":
      return <Reader />;
    default:
      return <NothingOpen />;
  }
}

const PLACES: readonly (readonly [name: "search" | "library" | "map" | "privacy" | "settings", icon: IconName])[] = [
  ["search", "search"],
  ["library", "library"],
  ["map", "map"],
  ["privacy", "shield"],
  ["settings", "settings"],
];

function Navigation() {
  const { view } = route.value;
  const current = view === undefined || view === "reader" ? "search" : view;
  return (
    <nav class="rail" aria-label={t("nav.label")}>
      {PLACES.map(([name, icon]) => (
        <a
          key={name}
          href={hashOf({ ...route.value, ...beside(name === "search" ? undefined : name) })}
          aria-current={name === current ? "page" : undefined}
          onClick={(event) => {
            if (opensElsewhere(event)) return;
            event.preventDefault();
            if (name === "search" || (name === view && !isNarrow.value)) closePane();
            else go(beside(name));
          }}
        >
          <Icon name={icon} />
          <span>{t(`nav.${name}`)}</span>
        </a>
      ))}
    </nav>
  );
}
