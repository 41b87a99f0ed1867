/** The first-run page: what the extension does, and one choice. */

import { render } from "preact";
import { signal } from "@preact/signals";
import { Button, Note } from "felsic-ui";
import type { Mode } from "../shared/settings.js";
import { allowAll, begin, change, problem } from "./common.js";

/** What browsers call the place of the panel. */
const PANEL = "side_panel" in chrome.runtime.getManifest() ? "side panel" : "sidebar";

const done = signal<string | undefined>(undefined);

async function choose(mode: Mode, said: string): Promise<void> {
  if (mode === "all" && !(await allowAll())) return;
  await change({ mode, isWelcomed: true });
  done.value = said;
}

function Welcome() {
  return (
    <main>
      <h1>Find what you have read by what it means</h1>
      <p>
        felsic remembers the text of pages and finds it again when you describe it, in the {PANEL} or in the address bar: write{" "}
        <kbd class="kbd">mem</kbd>, a space, and what you are looking for.
      </p>
      <ul class="promises">
        <li>Everything happens on this machine. The model is part of the extension, and nothing is sent anywhere.</li>
        <li>The memory is off until you switch it on, here or in the options.</li>
        <li>Private windows, banks, mail and pages with passwords are never remembered. You edit the list.</li>
        <li>A page, a site, a span of days or everything is forgotten with one click.</li>
      </ul>
      {problem.value !== undefined && <Note>{problem.value}</Note>}
      {done.value !== undefined && <Note kind="news">{done.value}</Note>}
      <div class="row">
        <Button kind="primary" size="large" onClick={() => void choose("click", "Pages are remembered when you click for it.")}>
          Remember pages when I click
        </Button>
        <Button size="large" onClick={() => void choose("all", "Pages that you read are remembered from now on.")}>
          Remember all pages that I read
        </Button>
        <Button size="large" onClick={() => void chrome.runtime.openOptionsPage()}>
          Choose sites
        </Button>
        <Button kind="quiet" size="large" onClick={() => void choose("off", "The memory stays off.")}>
          Not now
        </Button>
      </div>
    </main>
  );
}

await begin();
render(<Welcome />, document.body);
