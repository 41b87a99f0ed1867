/** Private search: finds a person's files by what they mean, all in this page. */

import { effect, signal } from "@preact/signals";
import { render } from "preact";
import "felsic-ui/style.css";
import "./app/page.css";
import { App } from "./app/App.js";
import { say } from "./app/context.js";
import { listenToKeys } from "./app/keys.js";
import { t } from "./app/messages/index.js";
import { followFacts } from "./app/model-facts.js";
import { followAddress } from "./app/route.js";
import { Searching } from "./app/searching.js";
import { applySettings, device, model } from "./app/settings.js";
import { allowedOrigins, startShell } from "./app-shell/index.js";
import { canKeep } from "./can-keep.js";
import { openLibrary } from "./library/index.js";
import { Reader } from "./reading/index.js";

/** Its worker starts with the page, so that its script is there before the model is. */
let ready: Reader | undefined = new Reader();
void startReading(ready);

async function startReading(reader: Reader): Promise<void> {
  for await (const { path } of reader.read(new Blob([]), "nothing")) void path;
}

function takeReader(): Reader {
  const reader = ready ?? new Reader();
  ready = undefined;
  return reader;
}

const spoken = applySettings();
const shell = startShell();
const library = openLibrary({
  keeps: await canKeep(),
  reader: takeReader,
  embedder: { allowedOrigins: allowedOrigins() },
  choice: { model: model.value, device: device.value },
});
const selection = signal<readonly string[] | undefined>(undefined);
const searching = new Searching(library, selection);

effect(() => shell.noteModel(library.model.value));
followFacts(library);
followAddress();
listenToKeys();

const root = document.getElementById("app");
// Everything else begins at once; a person sees no word in another language first.
if (root) void spoken.then(() => render(<App parts={{ library, searching, shell, selection }} />, root));

/** Takes up what other apps have shared with the page, and files that were opened with it. */
async function takeShared(): Promise<void> {
  for (const { title, text, url, files } of await shell.shared()) {
    if (files.length > 0) await library.addItems(files);
    const said = [text, url].filter((part) => part !== undefined && part !== "").join("\n");
    if (said !== "") await library.addText(said, title || t("library.text.name.default"));
  }
}

if (shell.isShareLost) say(t("shell.shared.failed"), "bad");
takeShared().catch(() => say(t("shell.shared.failed"), "bad"));
shell.onFiles((files) => void library.addItems(files));
