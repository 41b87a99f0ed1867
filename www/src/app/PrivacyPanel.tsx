/** What a person needs to trust the page: its requests, what is stored, and the ways to take everything along or delete it. */

import { Button, Facts, Field } from "felsic-ui";
import { useEffect, useRef, useState } from "preact/hooks";
import { chooseHost, chosenHost, hostOf } from "../app-shell/index.js";
import { Confirm } from "./Confirm.js";
import { isAbort, reason, say, useApp } from "./context.js";
import { bytes, t, time } from "./messages/index.js";
import { facts, shownFacts, watchFacts } from "./model-facts.js";
import { PaneHead, Section } from "./Pane.js";
import { save } from "./save.js";
import { forgetSettings } from "./settings.js";
import { closePane, go } from "./route.js";
import { Unkept } from "./Unkept.js";

export function PrivacyPanel() {
  const { library } = useApp();
  useEffect(() => watchFacts(library), [library]);
  const stored = ["documents", "passages", "waiting", "collectionBytes", "storedBytes", "persisted"];
  const model = ["model", "device", "kernel", "format", "dimensions", "maxTokens", "memoryBytes", "speed"];
  return (
    <>
      <PaneHead title={t("privacy.title")} icon="shield" />
      <div class="scroller">
        <div class="panel">
          <p class="lead">{t("privacy.text")}</p>
          <Requests />
          <Host />
          <Section title={t("privacy.stored")}>
            <Unkept />
            <Facts facts={shownFacts(facts.value, stored)} />
          </Section>
          <Section title={t("privacy.facts")}>
            <Facts facts={shownFacts(facts.value, model)} />
          </Section>
          <Data />
        </div>
      </div>
    </>
  );
}

/** The most requests that the list shows; the latest come first. */
const LISTED = 200;

function Requests() {
  const { shell } = useApp();
  const requests = shell.requests.value;
  const since = shell.sinceModel.value;
  return (
    <Section title={t("shell.requests")}>
      {since !== undefined && (
        <p class={since === 0 ? "verdict good" : "verdict"} role="status">
          {since === 0 ? t("shell.requests.none") : t("shell.requests.some", { count: since })}
        </p>
      )}
      <p class="quiet-line">
        {t(`shell.requests.${shell.watched.value}`)} {t("shell.requests.browser")}
      </p>
      {requests.length > 0 && (
        <details class="requests">
          <summary>{t("privacy.requests.list", { count: requests.length })}</summary>
          <div class="table" tabIndex={0} role="region" aria-label={t("shell.requests")}>
            <table>
              <thead>
                <tr>
                  {(["url", "by", "from", "bytes", "when"] as const).map((name) => (
                    <th key={name} scope="col">
                      {t(`shell.requests.${name}`)}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {requests
                  .slice(-LISTED)
                  .reverse()
                  .map((one, index) => (
                    <tr key={index} class={one.beforeModel ? "" : "after"}>
                      <td>{shortened(one.url)}</td>
                      <td>{t(`shell.requests.by.${one.by}`)}</td>
                      <td>{t(`shell.requests.from.${one.from}`)}</td>
                      <td>{one.bytes === undefined ? t("shell.requests.bytes.unknown") : bytes(one.bytes)}</td>
                      <td>{time(one.when)}</td>
                    </tr>
                  ))}
              </tbody>
            </table>
          </div>
        </details>
      )}
    </Section>
  );
}

/** An address of the page's own host, without what all of them have in common. */
const shortened = (url: string): string => (url.startsWith(location.origin) ? url.slice(location.origin.length) : url);

function Host() {
  const chosen = chosenHost();
  const [wanted, setWanted] = useState("");
  const host = hostOf(wanted.trim(), location.href);
  return (
    <Section title={t("privacy.host")}>
      <p>{chosen === undefined ? t("shell.host.own") : t("shell.host.chosen", { host: chosen })}</p>
      {chosen !== undefined && <Button onClick={() => void chooseHost(undefined)}>{t("shell.host.forget")}</Button>}
      <form
        class="inline-form"
        onSubmit={(event) => {
          event.preventDefault();
          if (host === undefined) say(t("shell.host.refused"), "bad");
          else void chooseHost(host);
        }}
      >
        <Field
          label={t("privacy.host.label")}
          help={t("privacy.host.help")}
          type="url"
          placeholder="https://models.example.org"
          value={wanted}
          onInput={setWanted}
        />
        <Button submits disabled={wanted.trim() === ""}>
          {t("privacy.host.save")}
        </Button>
      </form>
    </Section>
  );
}

/** Takes everything out, in, or away. */
function Data() {
  const { library, selection, shell } = useApp();
  const [asks, setAsks] = useState(false);
  const [busy, setBusy] = useState(false);
  const file = useRef<HTMLInputElement>(null);
  const during = async (
    work: () => Promise<void>,
    failed: "privacy.export.failed" | "privacy.import.failed" | "privacy.delete.failed",
  ) => {
    setBusy(true);
    try {
      await work();
    } catch (error) {
      if (!isAbort(error)) say(t(failed, { reason: reason(error) }), "bad");
    }
    setBusy(false);
  };
  const exportAs = (format: "jsonl" | "parquet") =>
    during(() => save(() => library.export(format), `felsic-library.${format}`), "privacy.export.failed");
  const deleteEverything = async () => {
    // First what is in the shell's database: the library deletes all of them, and then they cannot be opened.
    await shell.remove();
    await library.deleteEverything();
    forgetSettings();
    selection.value = undefined;
    go({ query: "", folder: "", file: "", kind: "", span: "any", like: "" }, { replace: true });
    closePane();
    say(t("privacy.delete.done"));
  };
  const isOpen = library.collection.value !== undefined;
  return (
    <Section title={t("privacy.data")}>
      <div class="add-buttons">
        <Button icon="download" disabled={busy || !isOpen} onClick={() => void exportAs("jsonl")}>
          {t("privacy.export.jsonl")}
        </Button>
        <Button icon="download" disabled={busy || !isOpen} onClick={() => void exportAs("parquet")}>
          {t("privacy.export.parquet")}
        </Button>
        <Button icon="upload" disabled={busy} onClick={() => file.current?.click()}>
          {t("privacy.import")}
        </Button>
        <input
          ref={file}
          type="file"
          hidden
          accept=".jsonl,.ndjson,.parquet"
          aria-label={t("privacy.import")}
          onChange={(event) => {
            const [chosen] = event.currentTarget.files ?? [];
            event.currentTarget.value = "";
            if (chosen) void during(() => library.import(chosen), "privacy.import.failed");
          }}
        />
        <Button kind="danger" icon="remove" disabled={busy} onClick={() => setAsks(true)}>
          {t("privacy.delete")}
        </Button>
      </div>
      <Confirm
        open={asks}
        title={t("privacy.delete.title")}
        text={t("privacy.delete.text")}
        kind="danger"
        confirm={t("privacy.delete.confirm")}
        onConfirm={() => void during(deleteEverything, "privacy.delete.failed")}
        onClose={() => setAsks(false)}
      />
    </Section>
  );
}
