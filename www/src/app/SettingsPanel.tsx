/** The model, the language, the look. */

import { Button, Field, Note, Progress, SelectField, Segmented } from "felsic-ui";
import { useState } from "preact/hooks";
import { chooseHost, chosenHost, hostOf } from "../app-shell/index.js";
import { Confirm } from "./Confirm.js";
import { say, useApp } from "./context.js";
import { keysShown } from "./keys.js";
import { type Language, LANGUAGES, t } from "./messages/index.js";
import { facts, loadingText, weaknessOf } from "./model-facts.js";
import { PaneHead, Section } from "./Pane.js";
import { choose, chooseLook, chosenLanguage, type Device, device, DEVICES, model, theme, THEMES } from "./settings.js";

export function SettingsPanel() {
  return (
    <>
      <PaneHead title={t("settings.title")} icon="settings" />
      <div class="scroller">
        <div class="panel">
          <Model />
          <Section title={t("settings.look")}>
            <div class="stack">
              <SelectField<Language | "auto">
                label={t("settings.language")}
                value={chosenLanguage.value}
                choices={[
                  { value: "auto", label: t("settings.language.auto") },
                  ...(Object.entries(LANGUAGES) as [Language, string][]).map(([value, label]) => ({ value, label })),
                ]}
                onChange={(value) => chooseLook({ language: value })}
              />
              <div class="field">
                <span class="label">{t("settings.theme")}</span>
                <div>
                  <Segmented
                    label={t("settings.theme")}
                    value={theme.value}
                    choices={THEMES.map((value) => ({ value, label: t(`settings.theme.${value}`) }))}
                    onChange={(value) => chooseLook({ theme: value })}
                  />
                </div>
              </div>
            </div>
          </Section>
          <AppSection />
        </div>
      </div>
    </>
  );
}

function Model() {
  const { library } = useApp();
  const [address, setAddress] = useState(model.value);
  const [where, setWhere] = useState<Device>(device.value);
  const [host, setHost] = useState<string>();
  const { state, loadedBytes, totalBytes, problem } = library.model.value;
  const weakness = weaknessOf(facts.value);
  const load = () => {
    const wanted = address.trim();
    const other = hostOf(wanted, location.href);
    // The page may ask only the host that was chosen when it was loaded.
    if (other !== undefined && other !== chosenHost()) return setHost(other);
    choose(wanted, where);
    void library.useModel(wanted, where);
  };
  return (
    <Section title={t("settings.model")}>
      {state === "ready" && weakness && (
        <Note kind={weakness === "untrained" ? "warn" : "news"}>
          <p>{t(`settings.${weakness}`, { model: facts.value.model ?? "" })}</p>
        </Note>
      )}
      {state === "failed" && (
        <Note>
          <p>{t("problem.model", { reason: problem ?? "" })}</p>
        </Note>
      )}
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          load();
        }}
      >
        <Field
          label={t("settings.model.label")}
          help={t("settings.model.help")}
          type="url"
          placeholder={t("settings.model.placeholder")}
          value={address}
          onInput={setAddress}
        />
        <SelectField<Device>
          label={t("settings.device")}
          value={where}
          choices={DEVICES.map((value) => ({ value, label: t(`settings.device.${value}`) }))}
          onChange={setWhere}
        />
        <div class="load">
          <Button submits kind="primary">
            {t("settings.model.load")}
          </Button>
          {state === "loading" && (
            <>
              <span class="work-detail">{loadingText(library.model.value)}</span>
              <Progress label={t("status.starting")} value={totalBytes > 0 ? loadedBytes / totalBytes : undefined} />
            </>
          )}
        </div>
      </form>
      <Confirm
        open={host !== undefined}
        title={t("privacy.host")}
        text={t("shell.host.choose.help", { host: host ?? "" })}
        kind="primary"
        confirm={t("shell.host.choose", { host: host ?? "" })}
        onConfirm={() => {
          choose(address.trim(), where);
          void chooseHost(host).then((isPossible) => {
            if (!isPossible) say(t("shell.host.refused"), "bad");
          });
        }}
        onClose={() => setHost(undefined)}
      />
    </Section>
  );
}

function AppSection() {
  const { shell } = useApp();
  const isKept = shell.offline.value === "ready";
  return (
    <Section title={t("settings.app")}>
      <p class={isKept ? "verdict good" : "verdict"}>{t(isKept ? "shell.offline.ready" : "shell.offline.no")}</p>
      <p class="quiet-line">{t(isKept ? "shell.offline.ready.help" : "shell.offline.no.help")}</p>
      <div class="add-buttons">
        {shell.installable.value && (
          <Button icon="download" onClick={() => void shell.install()}>
            {t("shell.install")}
          </Button>
        )}
        <Button onClick={() => (keysShown.value = true)}>{t("settings.keys")}</Button>
      </div>
    </Section>
  );
}
