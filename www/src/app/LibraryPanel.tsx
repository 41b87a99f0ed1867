/** What is in the library, what is being done, and what is left out. */

import { Button, Empty, Field, Icon, IconButton } from "felsic-ui";
import { useState } from "preact/hooks";
import type { Source } from "../library/types.js";
import { AddButtons } from "./Adding.js";
import { Confirm } from "./Confirm.js";
import { useApp } from "./context.js";
import { bytes, date, number, t } from "./messages/index.js";
import { fileName, KIND_ICONS, kindName, refusalReason } from "./names.js";
import { PaneHead, Section } from "./Pane.js";
import { Unkept } from "./Unkept.js";
import { Work } from "./Work.js";
import { beside, go } from "./route.js";

/** The most files that a list shows at once. */
const LISTED = 200;

export function LibraryPanel() {
  const { library } = useApp();
  const files = library.files.value;
  const isEmpty = files.length === 0 && library.sources.value.length === 0;
  return (
    <>
      <PaneHead title={t("library.title")} detail={isEmpty ? "" : t("results.files", { count: files.length })} icon="library" />
      <div class="scroller">
        <div class="panel">
          <Unkept />
          <AddButtons />
          {library.progress.value && (
            <Section title={t("library.busy")}>
              <div class="card">
                <Work />
              </div>
            </Section>
          )}
          {isEmpty ? <Empty icon="library" title={t("library.empty")} /> : <Sources />}
          <Refused />
          {files.length > 0 && <Files />}
          <AddText />
        </div>
      </div>
    </>
  );
}

function Sources() {
  const { library } = useApp();
  const [leaving, setLeaving] = useState<Source>();
  const sources = library.sources.value;
  const isWatched = sources.some(({ watched }) => watched !== "no");
  return (
    <Section title={t("library.sources")}>
      <ul class="rows">
        {sources.map((source) => (
          <li key={source.id} class="row">
            <Icon name={source.kind === "folder" ? "folder" : "file"} />
            <span class="name">
              <bdi>{source.name}</bdi>
            </span>
            <span class="detail">
              {t("library.source.files", { count: source.files })}
              {source.watched === "yes" && ` · ${t("library.source.watched")}`}
              {source.watched === "ask" && ` · ${t("library.source.ask")}`}
            </span>
            {source.watched === "ask" && (
              <Button onClick={() => void library.refresh({ ask: true })}>{t("library.source.allow")}</Button>
            )}
            <IconButton
              icon="remove"
              label={t("library.source.remove", { source: source.name })}
              onClick={() => setLeaving(source)}
            />
          </li>
        ))}
      </ul>
      {isWatched && (
        <Button kind="quiet" icon="refresh" onClick={() => void library.refresh({ ask: true })}>
          {t("library.refresh")}
        </Button>
      )}
      <Confirm
        open={leaving !== undefined}
        title={t("library.source.remove.title", { source: leaving?.name ?? "" })}
        text={t("library.source.remove.text")}
        kind="danger"
        confirm={t("library.source.remove.confirm")}
        onConfirm={() => leaving && void library.removeSource(leaving.id)}
        onClose={() => setLeaving(undefined)}
      />
    </Section>
  );
}

/** Files that are not taken up, each with its reason. */
function Refused() {
  const { library } = useApp();
  const refused = library.refused.value;
  if (refused.length === 0) return null;
  return (
    <details class="refused">
      <summary>
        <Icon name="warning" />
        {t("library.refused", { count: refused.length })}
      </summary>
      <ul class="rows">
        {refused.slice(0, LISTED).map(({ path, code }) => (
          <li key={path} class="row">
            <span class="name">
              <bdi>{path}</bdi>
            </span>
            <span class="detail">{refusalReason(code)}</span>
          </li>
        ))}
        {refused.length > LISTED && <li class="row">{t("library.refused.more", { count: refused.length - LISTED })}</li>}
      </ul>
    </details>
  );
}

function Files() {
  const { library } = useApp();
  const [text, setText] = useState("");
  const wanted = text.trim().toLowerCase();
  const files = library.files.value.filter(({ path }) => path.toLowerCase().includes(wanted));
  return (
    <Section title={`${t("library.files")} (${number(library.files.value.length)})`}>
      <Field label={t("library.files.filter")} value={text} onInput={setText} />
      {files.length === 0 && <p class="quiet-line">{t("library.files.none")}</p>}
      <ul class="rows">
        {files.slice(0, LISTED).map((file) => (
          <li key={file.path}>
            <button type="button" class="row" onClick={() => go(beside("reader", file.path))}>
              <Icon name={KIND_ICONS[file.kind]} />
              <span class="name">
                <bdi>{fileName(file.path)}</bdi>
              </span>
              <span class="detail">
                <bdi>{[kindName(file.kind), bytes(file.bytes), date(file.modified)].join(" · ")}</bdi>
              </span>
            </button>
          </li>
        ))}
      </ul>
      {files.length > LISTED && <p class="quiet-line">{t("library.files.more", { count: files.length - LISTED })}</p>}
    </Section>
  );
}

function AddText() {
  const { library } = useApp();
  const [text, setText] = useState("");
  const [name, setName] = useState("");
  const add = () => {
    if (text.trim() === "") return;
    void library.addText(text, name.trim() || t("library.text.name.default"));
    setText("");
    setName("");
  };
  return (
    <Section title={t("library.text")}>
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          add();
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) add();
        }}
      >
        <Field label={t("library.text.label")} help={t("library.text.help")} rows={4} value={text} onInput={setText} />
        <Field label={t("library.text.name")} placeholder={t("library.text.name.default")} value={name} onInput={setName} />
        <div>
          <Button submits>{t("library.text.add")}</Button>
        </div>
      </form>
    </Section>
  );
}
