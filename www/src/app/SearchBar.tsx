/** The one field on top, and the ways to search. */

import { IconButton, Icon, Kbd, Segmented } from "felsic-ui";
import { useRef, useState } from "preact/hooks";
import { isNarrow } from "./context.js";
import { focusFirstHit, SEARCH_ID } from "./keys.js";
import { t } from "./messages/index.js";
import { closePane, go, route } from "./route.js";

/** A longer query is a text rather than a question. */
const LONG = 120;

export function SearchBar() {
  const input = useRef<HTMLInputElement>(null);
  const [isOver, setOver] = useState(false);
  const { query, mode, like } = route.value;

  const search = (text: string) => {
    // The first letter is a step of its own; those that follow change it.
    go({ query: text, like: "" }, { replace: route.value.query !== "" && like === "" });
    if (isNarrow.value && route.value.view !== undefined) closePane();
  };

  return (
    <search class="searching">
      <form
        class={isOver ? "search-field over" : "search-field"}
        onSubmit={(event) => {
          event.preventDefault();
          focusFirstHit({ opens: true });
        }}
        onDragOver={(event) => {
          if (!isText(event.dataTransfer)) return;
          event.preventDefault();
          event.stopPropagation();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          setOver(false);
          if (!isText(event.dataTransfer)) return;
          event.preventDefault();
          event.stopPropagation();
          search(event.dataTransfer?.getData("text/plain").replace(/\s+/g, " ").trim() ?? "");
          input.current?.focus();
        }}
      >
        <Icon name="search" />
        <input
          ref={input}
          id={SEARCH_ID}
          type="text"
          inputMode="search"
          enterkeyhint="search"
          autocomplete="off"
          spellcheck={false}
          dir="auto"
          aria-label={t("search.label")}
          placeholder={t("search.placeholder")}
          value={query}
          onInput={(event) => search(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown") {
              event.preventDefault();
              focusFirstHit();
            } else if (event.key === "Escape" && query !== "") {
              event.stopPropagation();
              go({ query: "" });
            }
          }}
        />
        {query.length > LONG && <span class="long">{t("search.long", { count: query.length })}</span>}
        {query === "" ? (
          <span class="hint" aria-hidden="true">
            <Kbd>/</Kbd>
          </span>
        ) : (
          <IconButton
            icon="close"
            label={t("search.clear")}
            onClick={() => {
              go({ query: "" });
              input.current?.focus();
            }}
          />
        )}
        {isOver && <span class="over-text">{t("search.drop")}</span>}
      </form>
      <Segmented
        label={t("mode.label")}
        value={mode}
        choices={(["hybrid", "meaning", "words"] as const).map((value) => ({ value, label: t(`mode.${value}`) }))}
        onChange={(value) => go({ mode: value })}
      />
    </search>
  );
}

/** Whether it is a text that is dragged, and not a file. */
export function isText(data: DataTransfer | null): boolean {
  const types = data?.types ?? [];
  return types.includes("text/plain") && !types.includes("Files");
}
