/** One line that is always there: the model, the work, and what left the page. Nothing else moves when it changes. */

import { Icon } from "felsic-ui";
import { useApp } from "./context.js";
import { t } from "./messages/index.js";
import { facts, loadingText, weaknessOf } from "./model-facts.js";
import { go } from "./route.js";
import { WorkLine } from "./Work.js";

export function StatusBar() {
  const { library, shell } = useApp();
  const since = shell.sinceModel.value;
  return (
    <footer class="status" aria-label={t("status.label")}>
      <ModelLine />
      <WorkLine />
      <button type="button" class="status-item trust" onClick={() => go({ view: "privacy" })}>
        <Icon name="shield" small />
        <span>{since === undefined ? t("status.private") : t("status.requests", { count: since })}</span>
      </button>
      {!library.keeps && (
        <button type="button" class="status-item unkept-item" onClick={() => go({ view: "privacy" })}>
          <Icon name="warning" small />
          <span>{t("unkept.status")}</span>
        </button>
      )}
      {shell.offline.value === "ready" && (
        <span class="status-item offline">
          <Icon name="check" small />
          <span>{t("status.offline")}</span>
        </span>
      )}
    </footer>
  );
}

function ModelLine() {
  const { library } = useApp();
  const { state } = library.model.value;
  const weakness = state === "ready" ? weaknessOf(facts.value) : undefined;
  const name = String(facts.value.model ?? "");
  const text =
    state === "ready"
      ? weakness
        ? t(`status.${weakness}`)
        : name || t("status.ready")
      : state === "loading"
        ? loadingText(library.model.value)
        : t("status.failed");
  return (
    <button type="button" class={`status-item model ${state} ${weakness ?? ""}`} onClick={() => go({ view: "settings" })}>
      <span class="dot" />
      <span role="status">{text}</span>
    </button>
  );
}
