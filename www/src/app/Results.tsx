/** What was found, what to do if nothing was, and what there is before anything is asked. */

import { Button, Empty, HitCard, type HitPassageView, type Reason, snippet, Why } from "felsic-ui";
import { plainMarkdown } from "felsic/search";
import { telling } from "felsic-ui/telling";
import { useLayoutEffect, useState } from "preact/hooks";
import { isNarrow, useApp } from "./context.js";
import { date, score, t } from "./messages/index.js";
import { fileName, KIND_ICONS, kindName } from "./names.js";
import { focusReader, focusSearch, isByKeyboard, keepFocus, keysShown, opensElsewhere } from "./keys.js";
import { beside, go, hashOf, resetFilters, type Route, route } from "./route.js";
import type { Found, FoundFile, FoundPassage } from "./searching.js";

/** The passages of a file that are shown at once. */
const PASSAGES = 3;
/** The files that are shown before anything is asked. */
const RECENT = 8;

const isFiltered = ({ folder, file, kind, span }: Route, selection: unknown): boolean =>
  folder !== "" || file !== "" || kind !== "" || span !== "any" || selection !== undefined;

/** How many files and passages there are, and what is lacking; read to people who do not see the list. */
export function Summary() {
  const { library, searching } = useApp();
  const found = searching.found.value;
  const { state } = library.model.value;
  const lacks = searching.lacks.value;
  const waits = library.progress.value?.step === "embedding" ? library.progress.value.passages : undefined;
  const left = waits ? waits.total - waits.done : 0;
  const parts: string[] = [];
  if (found) {
    const count = found.files.reduce((sum, { passages }) => sum + passages.length, 0);
    if (count === 0) parts.push(t("results.none"));
    else {
      const files = t("results.files", { count: found.files.length });
      parts.push(t("results.found", { files, passages: t("results.passages", { count }) }));
    }
    const isIncomplete = found.by === "words" && route.value.mode === "hybrid";
    if (isIncomplete && state === "loading") parts.push(t("results.wordsOnly"));
    else if (isIncomplete && state !== "ready") parts.push(t("results.noModel"));
    else if (found.by !== "words" && left > 0) parts.push(t("results.incomplete", { count: left }));
  } else if (lacks === "waiting") parts.push(t("results.waiting"));
  else if (lacks === "model") parts.push(t("results.unsearchable"));
  else if (searching.busy.value) parts.push(t("results.busy"));
  else if (searching.query.value === "") parts.push(t("results.files", { count: library.files.value.length }));
  return (
    <p class={searching.busy.value ? "summary busy" : "summary"} role="status">
      {parts.join(" · ")}
    </p>
  );
}

export function Results() {
  const { library, searching } = useApp();
  const found = searching.found.value;
  const problem = searching.problem.value;
  useLayoutEffect(keepFocus);
  if (problem !== undefined) {
    return (
      <Empty
        icon="warning"
        title={t("results.failed", { reason: problem })}
        actions={<Button onClick={() => searching.retry()}>{t("results.retry")}</Button>}
      />
    );
  }
  if (searching.lacks.value === "model") {
    return (
      <Empty
        icon="warning"
        title={t("status.failed")}
        actions={
          <>
            <Button onClick={() => go({ view: "settings" })}>{t("problem.settings")}</Button>
            <Button onClick={() => go({ mode: "words" })}>{t("mode.words")}</Button>
          </>
        }
      >
        <p>{t("results.unsearchable")}</p>
      </Empty>
    );
  }
  if (!found) return library.files.value.length > 0 && searching.query.value === "" ? <Home /> : null;
  if (found.files.length === 0) return <Nothing found={found} />;
  return (
    <>
      <h2 class="unseen">{t("results.label")}</h2>
      <ol class="hits">
        {found.files.map((file) => (
          <li key={file.path}>
            <FileHit file={file} found={found} />
          </li>
        ))}
      </ol>
      {found.hasMore && (
        <div class="more">
          <Button onClick={() => searching.showMore()}>{t("results.more")}</Button>
        </div>
      )}
    </>
  );
}

const keyOf = ({ hit, passage }: FoundPassage): string => `${hit.id}#${passage.start}`;

/** Returns the part of a document's id that comes after its file: where in an archive or a mailbox it is. */
export const partName = (id: string, file: string): string => (id.startsWith(`${file}/`) ? id.slice(file.length + 1) : "");

const placeOf = ({ hit, passage }: FoundPassage): Partial<Route> => ({
  view: "reader",
  open: hit.id,
  start: passage.start,
  end: passage.end,
});

function FileHit({ file, found }: { readonly file: FoundFile; readonly found: Found }) {
  const [isWhole, setWhole] = useState(false);
  const best = file.passages[0];
  if (!best) return null;
  const shown = isWhole ? file.passages : file.passages.slice(0, PASSAGES);
  const byKey = new Map(file.passages.map((found) => [keyOf(found), found]));
  const open = (key: string, replace: boolean) => {
    const passage = byKey.get(key);
    if (passage) go(placeOf(passage), { replace });
  };
  return (
    <HitCard
      title={file.name}
      icon={KIND_ICONS[file.kind]}
      path={file.folder === "" ? undefined : file.folder.replaceAll("/", " › ")}
      date={
        file.modified === undefined ? undefined : { text: date(file.modified), machine: new Date(file.modified).toISOString() }
      }
      isCode={file.kind === "code" || file.kind === "data"}
      passages={shown.map((passage) => passageView(passage, file))}
      onOpen={(key, event) => {
        if (opensElsewhere(event)) return;
        event.preventDefault();
        open(key, route.value.view === "reader");
        // By the keyboard one goes on to read; a mouse leaves the focus in the list.
        if (isByKeyboard(event) || isNarrow.value) requestAnimationFrame(focusReader);
      }}
      onFocus={(key) => {
        if (route.value.view === "reader" && !isNarrow.value) open(key, true);
      }}
    >
      {file.passages.length > shown.length && (
        <Button kind="quiet" onClick={() => setWhole(true)}>
          {`+ ${t("results.passages", { count: file.passages.length - shown.length })}`}
        </Button>
      )}
      <Button kind="quiet" onClick={() => go({ like: best.hit.id, query: "", file: "" })}>
        {t("hit.like")}
      </Button>
      {route.value.file === "" && route.value.like === "" && (
        <Button kind="quiet" onClick={() => go({ file: file.path })}>
          {t("hit.only")}
        </Button>
      )}
      <Why label={t("hit.why")} reasons={reasonsOf(best, found)} />
    </HitCard>
  );
}

function passageView(found: FoundPassage, file: FoundFile): HitPassageView {
  const { hit, passage, highlights, page } = found;
  const { open, start, view, query } = route.value;
  const part = partName(hit.id, file.path);
  const { text, ranges } =
    hit.kind === "markdown" ? plainMarkdown(passage.text, highlights) : { text: passage.text, ranges: highlights };
  return {
    key: keyOf(found),
    href: hashOf({ ...route.value, ...placeOf(found) }),
    snippet: snippet(text, telling(text, ranges, query)),
    trail: [...(part === "" ? [] : [part.replaceAll("/", " › ")]), ...passage.trail].join(" › "),
    page: page === undefined ? undefined : t(file.kind === "slides" ? "hit.slide" : "hit.page", { page }),
    current: view === "reader" && open === hit.id && start === passage.start,
  };
}

function reasonsOf({ hit }: FoundPassage, { by }: Found): Reason[] {
  const { words, meaning } = hit.why;
  const reasons: Reason[] = [];
  if (words) {
    const detail = t("hit.why.words.detail", { score: score(words.score), terms: words.terms.join(", ") });
    reasons.push({ name: t("hit.why.words"), score: words.score, detail });
  }
  if (meaning) {
    const detail = t("hit.why.meaning.detail", { score: score(meaning.score), cosine: score(meaning.cosine) });
    reasons.push({ name: by === "like" ? t("hit.why.similar") : t("hit.why.meaning"), score: meaning.score, detail });
  }
  if (reasons.length === 0) reasons.push({ name: t("hit.why.similar"), score: hit.score, detail: score(hit.score) });
  return reasons;
}

/** Nothing fits: says so, and offers what may help. */
function Nothing({ found }: { readonly found: Found }) {
  const { library, searching, selection } = useApp();
  const filtered = isFiltered(route.value, selection.value);
  const files = t("results.files", { count: library.files.value.length });
  const text =
    found.by === "like"
      ? t("results.none.like")
      : t(filtered ? "results.none.filtered" : "results.none.text", { files, query: found.query });
  return (
    <Empty
      icon="search"
      title={t("results.none")}
      actions={
        <>
          {filtered && (
            <Button
              onClick={() => {
                selection.value = undefined;
                resetFilters();
              }}
            >
              {t("filter.reset")}
            </Button>
          )}
          {found.left > 0 && (
            <Button onClick={() => (searching.showsFar.value = true)}>{t("results.none.far", { count: found.left })}</Button>
          )}
          {route.value.mode !== "hybrid" && <Button onClick={() => go({ mode: "hybrid" })}>{t("results.none.mode")}</Button>}
        </>
      }
    >
      <p>{text}</p>
    </Empty>
  );
}

/** What there is before anything is asked: the files that were changed last. */
function Home() {
  const { library } = useApp();
  const recent = [...library.files.value].sort((a, b) => b.modified - a.modified).slice(0, RECENT);
  return (
    <div class="home">
      <p class="hint">{t("home.hint", { example: t("home.example") })}</p>
      <h2>{t("home.recent")}</h2>
      <ul class="rows">
        {recent.map((file) => (
          <li key={file.path}>
            <a
              class="row"
              href={hashOf({ ...route.value, ...beside("reader", file.path) })}
              onClick={(event) => {
                if (opensElsewhere(event)) return;
                event.preventDefault();
                go(beside("reader", file.path));
              }}
            >
              <span class="name">
                <bdi>{fileName(file.path)}</bdi>
              </span>
              <span class="detail">
                {kindName(file.kind)} · {date(file.modified)}
              </span>
            </a>
          </li>
        ))}
      </ul>
      <div class="home-actions">
        <Button kind="quiet" onClick={focusSearch}>
          {t("keys.search")}
        </Button>
        <Button kind="quiet" onClick={() => (keysShown.value = true)}>
          {t("settings.keys")}
        </Button>
      </div>
    </div>
  );
}
