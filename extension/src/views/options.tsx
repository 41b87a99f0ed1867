/** The options: what is remembered, what never is, for how long; the copies, and forgetting. */

import { signal, useSignal } from "@preact/signals";
import { render, type ComponentChildren } from "preact";
import { Button, Dialog, Facts, Field, Note, Segmented, type Choice } from "felsic-ui";
import { isPattern } from "../shared/addresses.js";
import { DENIED } from "../shared/denied.js";
import { call, type BridgeUse } from "../shared/messages.js";
import type { Mode, Settings } from "../shared/settings.js";
import { COPIES, SAVING } from "../shared/copies.js";
import { dropPack, takePack } from "../shared/packs.js";
import {
  allow,
  allowAll,
  allowSite,
  attempt,
  begin,
  bytesText,
  change,
  countText,
  live,
  problem,
  settings,
  state,
} from "./common.js";

const MODES: readonly Choice<Mode>[] = [
  { value: "off", label: "Nothing" },
  { value: "click", label: "On a click" },
  { value: "sites", label: "Chosen sites" },
  { value: "all", label: "All pages" },
];

const EXPLAINED: Record<Mode, string> = {
  off: "Nothing new is remembered. What is there can be searched and forgotten.",
  click: "A page is remembered when you click “Remember this page” or press the key for it.",
  sites: "Pages of the sites below are remembered when you have read them.",
  all: "All pages that you have read are remembered, except those below that never are.",
};

const news = signal<string | undefined>(undefined);
const newSite = signal("");
const newBridged = signal("");
const uses = live<readonly BridgeUse[]>([], () => call("bridge.use", {}));
const denied = signal<string | undefined>(undefined);
const isDeleting = signal(false);
/** What is done about the model, while it is. */
const modelWork = signal<string | undefined>(undefined);
const span = signal({ from: "", to: "" });

/** Whether the browser keeps the memory when it is short of space. */
const isKept = live(true, () => navigator.storage.persisted());

async function keep(): Promise<void> {
  isKept.value = await navigator.storage.persist();
  news.value = isKept.value
    ? "The browser keeps the memory, also when it is short of space."
    : "The browser does not promise it. Save a copy from time to time.";
}

/** Chooses a mode; the browser asks at once, while the click counts. */
async function choose(mode: Mode): Promise<void> {
  if (mode === "all" && !(await allowAll())) {
    news.value = "Without the permission no pages can be read. Nothing has changed.";
    settings.value = { ...settings.value };
    return;
  }
  await change({ mode });
}

/** Returns the site that somebody has written; without one, says so. */
function siteFrom(written: string): string | undefined {
  const text = written.trim().toLowerCase();
  const address = URL.canParse(text) ? text : `https://${text}`;
  if (text !== "" && URL.canParse(address)) return new URL(address).hostname.replace(/^www\./, "");
  problem.value = "Write the name of a site, such as example.org.";
  return undefined;
}

async function addSite(): Promise<void> {
  const site = siteFrom(newSite.value);
  if (site === undefined || !(await allowSite(site))) return;
  newSite.value = "";
  await change({ mode: "sites", sites: [...settings.value.sites, site] });
}

async function saveDenied(): Promise<void> {
  const lines = (denied.value ?? "").split("\n").map((line) => line.trim());
  const patterns = lines.filter((line) => line && !line.startsWith("#"));
  const wrong = patterns.find((pattern) => !isPattern(pattern));
  if (wrong !== undefined) {
    problem.value = `“${wrong}” is no pattern. Write a host such as example.org, or a host and a path such as example.org/private*.`;
    return;
  }
  await change({ denied: patterns });
  denied.value = undefined;
  news.value = "The list is saved.";
}

async function save(): Promise<void> {
  await attempt(async () => {
    const { file } = await call("memory.export", {});
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(COPIES);
    const url = URL.createObjectURL(await (await folder.getFileHandle(file)).getFile());
    const link = Object.assign(document.createElement("a"), { href: url, download: file });
    link.click();
    setTimeout(() => {
      URL.revokeObjectURL(url);
      void folder.removeEntry(file).catch(() => {});
    }, SAVING);
  });
}

async function load(file: File | undefined): Promise<void> {
  if (!file) return;
  await attempt(async () => {
    const folder = await (await navigator.storage.getDirectory()).getDirectoryHandle(COPIES, { create: true });
    const name = "import.jsonl";
    await file.stream().pipeTo(await (await folder.getFileHandle(name, { create: true })).createWritable());
    try {
      const { pages } = await call("memory.import", { file: name });
      news.value = `${countText(pages, "page is", "pages are")} taken in.`;
    } finally {
      await folder.removeEntry(name).catch(() => {});
    }
  });
}

async function forgetSpan(): Promise<void> {
  const { from, to } = span.value;
  const [first, last] = [Date.parse(`${from}T00:00`), Date.parse(`${to}T00:00`)];
  if (Number.isNaN(first) || Number.isNaN(last) || last < first) {
    problem.value = "Choose two days; the second must not be before the first.";
    return;
  }
  // Not all days have 24 hours.
  const end = new Date(last);
  end.setDate(end.getDate() + 1);
  await attempt(async () => {
    const pages = await call("memory.forget", { from: first, to: end.getTime() });
    news.value = `${countText(pages, "page", "pages")} forgotten.`;
  });
}

async function deleteAll(): Promise<void> {
  isDeleting.value = false;
  await attempt(async () => {
    await call("memory.forgetAll", {});
    news.value = "Everything is forgotten.";
  });
}

function Section({ title, children }: { readonly title: string; readonly children: ComponentChildren }) {
  return (
    <section class="group">
      <h2>{title}</h2>
      {children}
    </section>
  );
}

type Flag = { [Name in keyof Settings]: Settings[Name] extends boolean ? Name : never }[keyof Settings];
type Amount = { [Name in keyof Settings]: Settings[Name] extends number ? Name : never }[keyof Settings];

function Switch({ name, label, before }: { name: Flag; label: string; before?: () => Promise<boolean> }) {
  return (
    <label class="switch">
      <input
        type="checkbox"
        checked={settings.value[name]}
        onChange={async ({ currentTarget }) => {
          const isOn = currentTarget.checked;
          if (isOn && before && !(await before())) currentTarget.checked = false;
          else await change({ [name]: isOn });
        }}
      />
      {label}
    </label>
  );
}

function Amount({ name, label, help }: { name: Amount; label: string; help?: string }) {
  const typed = useSignal<string | undefined>(undefined);
  const take = () => {
    const text = typed.value;
    typed.value = undefined;
    if (text !== undefined && /^\d+$/.test(text)) void change({ [name]: Number(text) });
  };
  // Half of a number is no choice: on the way from 365 days to 180, all pages of more than one day would be forgotten.
  return (
    <div onChange={take}>
      <Field
        label={label}
        help={help}
        value={typed.value ?? String(settings.value[name])}
        onInput={(text) => (typed.value = text)}
      />
    </div>
  );
}

interface SitesProps {
  readonly sites: readonly string[];
  readonly said?: (site: string) => string;
  readonly onRemove: (site: string) => void;
}

function Sites({ sites, said, onRemove }: SitesProps) {
  return (
    <ul class="sites">
      {sites.map((site) => (
        <li key={site}>
          <span>{site}</span>
          {said && <span class="help">{said(site)}</span>}
          <Button kind="quiet" onClick={() => onRemove(site)}>
            Remove
          </Button>
        </li>
      ))}
    </ul>
  );
}

function Remembered() {
  const { mode, sites } = settings.value;
  return (
    <Section title="What is remembered">
      <Segmented label="What is remembered" choices={MODES} value={mode} onChange={(value) => void choose(value)} />
      <p>{EXPLAINED[mode]}</p>
      {mode === "sites" && (
        <>
          <Sites sites={sites} onRemove={(site) => void change({ sites: sites.filter((other) => other !== site) })} />
          <form class="row" onSubmit={(event) => (event.preventDefault(), void addSite())}>
            <Field label="A site" value={newSite.value} onInput={(value) => (newSite.value = value)} placeholder="example.org" />
            <Button submits>Add</Button>
          </form>
        </>
      )}
      <p class="help">
        Never remembered, whatever you choose: private windows, pages with a field for a password or a payment card, pages that
        ask search engines to leave them out, and pages of this machine and its network.
      </p>
    </Section>
  );
}

function Never() {
  const text = denied.value ?? settings.value.denied.join("\n");
  return (
    <Section title="What never is">
      <Field
        label="Sites"
        help="A line is a host with all below it, or a host and a path. A star stands for any characters."
        rows={10}
        value={text}
        onInput={(value) => (denied.value = value)}
      />
      <div class="row">
        <Button disabled={denied.value === undefined} onClick={() => void saveDenied()}>
          Save the list
        </Button>
        <Button kind="quiet" onClick={() => (denied.value = DENIED.join("\n"))}>
          Show the original list
        </Button>
      </div>
    </Section>
  );
}

function Also() {
  return (
    <Section title="Search as well">
      <Switch name="bookmarks" label="Bookmarks, by their titles" before={() => allow({ permissions: ["bookmarks"] })} />
      <Switch name="tabs" label="Open tabs, by their titles" before={() => allow({ permissions: ["tabs"] })} />
    </Section>
  );
}

/** The browser has the entry, or not: there is no setting beside its permission. Firefox grants it only at installation. */
const menu = live(false, () => chrome.permissions.contains({ permissions: ["contextMenus"] }));

function Find() {
  if (!chrome.runtime.getManifest().optional_permissions?.includes("contextMenus")) return null;
  const show = async () => void (menu.value = await allow({ permissions: ["contextMenus"] }));
  const remove = async () => void (menu.value = !(await chrome.permissions.remove({ permissions: ["contextMenus"] })));
  return (
    <Section title="Find on the page">
      <p class="help">Select a few words in a page, and look for what they mean in the rest of it.</p>
      <div class="row">
        <Button onClick={() => void attempt(menu.value ? remove : show)}>
          {menu.value ? "Remove from the context menu" : "Show in the context menu"}
        </Button>
      </div>
    </Section>
  );
}

async function addBridged(): Promise<void> {
  const site = siteFrom(newBridged.value);
  if (site === undefined || !(await allowSite(site))) return;
  newBridged.value = "";
  await change({ bridged: [...settings.value.bridged, site] });
}

function Bridged() {
  const { bridged } = settings.value;
  const used = (site: string) => uses.value.find((use) => use.site === site)?.texts ?? 0;
  return (
    <Section title="Pages that may use the model">
      <p>
        Pages of these sites may have their own texts embedded here, in place of loading a model themselves. They see nothing of
        your memory.
      </p>
      <Sites
        sites={bridged}
        said={(site) => countText(used(site), "text", "texts")}
        onRemove={(site) => void change({ bridged: bridged.filter((other) => other !== site) })}
      />
      <form class="row" onSubmit={(event) => (event.preventDefault(), void addBridged())}>
        <Field
          label="Allow a site"
          value={newBridged.value}
          onInput={(value) => (newBridged.value = value)}
          placeholder="example.org"
        />
        <Button submits>Allow</Button>
      </form>
    </Section>
  );
}

/** Takes in a pack from a folder that the user has picked, and goes over to its model if it works. */
async function useModel(files: FileList | null): Promise<void> {
  if (!files || files.length === 0) return;
  modelWork.value = "The model’s files are copied and tried…";
  await attempt(async () => {
    const pack = await takePack(files);
    try {
      const { model } = await call("model.try", { pack });
      settings.value = await call("settings.set", { pack });
      news.value = `${model} is used from now on.`;
    } catch (error) {
      await dropPack(pack);
      throw error;
    }
    state.value = await call("memory.state", {});
  });
  modelWork.value = undefined;
}

async function useBuiltIn(): Promise<void> {
  await attempt(async () => {
    settings.value = await call("settings.set", { pack: "" });
    state.value = await call("memory.state", {});
    news.value = "The built-in model is used from now on; the other one’s files are removed.";
  });
}

/** Has a field take a folder. */
const asFolder = (input: HTMLInputElement | null) => void (input && (input.webkitdirectory = true));

function Model() {
  const isOther = settings.value.pack !== "";
  const { model, reindexing, pauses = [] } = state.value ?? {};
  return (
    <Section title="The model">
      <p>
        {isOther
          ? `Your own model is used${model === undefined ? "" : `: ${model}`}.`
          : "The built-in model is used: small, and for English."}{" "}
        Another one, such as Granite for 200 languages, is a pack: a folder of files that you have downloaded. It is copied here;
        nothing is fetched, and nothing is sent.
      </p>
      {reindexing && (
        <p role="status">
          {reindexing.done.toLocaleString()} of {countText(reindexing.total, "page", "pages")} embedded anew. Words are found
          meanwhile.{pauses.length > 0 && " This waits as long as indexing is paused."}
        </p>
      )}
      {modelWork.value !== undefined && <p role="status">{modelWork.value}</p>}
      <div class="row">
        <label class="button plain normal">
          Use another model
          <input
            class="unseen"
            type="file"
            ref={asFolder}
            disabled={modelWork.value !== undefined}
            onChange={({ currentTarget }) => {
              void useModel(currentTarget.files).finally(() => (currentTarget.value = ""));
            }}
          />
        </label>
        {isOther && <Button onClick={() => void useBuiltIn()}>Use the built-in model</Button>}
      </div>
    </Section>
  );
}

function Indexing() {
  return (
    <Section title="Indexing">
      <Switch name="isPaused" label="Paused" />
      <Switch name="pauseOnBattery" label="Wait while the machine runs on its battery" />
      <Switch name="pauseInBackground" label="Wait while the browser is in the background" />
      <div class="amounts">
        <Amount name="readSeconds" label="Seconds until a page counts as read" />
        <Amount name="keepDays" label="Days until a page is forgotten" help="0: never" />
        <Amount name="keepMegabytes" label="Megabytes of the memory" help="The oldest pages go first." />
        <Amount name="engineMegabytes" label="Megabytes of the engine" help="Above it, the engine is started anew." />
        <Amount name="idleMinutes" label="Minutes until the idle engine ends" />
      </div>
    </Section>
  );
}

function Data() {
  const now = state.value;
  return (
    <Section title="Your memory">
      {now && (
        <Facts
          facts={[
            ["Pages", now.pages.toLocaleString()],
            ["Takes up about", bytesText(now.bytes)],
            ["Waiting", now.waiting.toLocaleString()],
            ["Engine", now.engine === "ready" ? `${now.model}, ${bytesText(now.engineBytes)}` : now.engine],
          ]}
        />
      )}
      {now?.problem && <Note>{now.problem.message}</Note>}
      {now !== undefined && now.failed > 0 && (
        <Note kind="warn" actions={<Button onClick={() => void attempt(() => call("memory.retry", {}))}>Try again</Button>}>
          {countText(now.failed, "page", "pages")} could not be remembered.
        </Note>
      )}
      <div class="row">
        <Button icon="download" onClick={() => void save()}>
          Save a copy
        </Button>
        <label class="button plain normal">
          Take in a copy
          <input
            class="unseen"
            type="file"
            accept=".jsonl"
            onChange={({ currentTarget }) => void load(currentTarget.files?.[0])}
          />
        </label>
        {!isKept.value && <Button onClick={() => void keep()}>Keep the memory when space is short</Button>}
      </div>
      <form class="row" onSubmit={(event) => (event.preventDefault(), void forgetSpan())}>
        {(["from", "to"] as const).map((end) => (
          <label key={end} class="field">
            {end === "from" ? "From" : "To"}
            <input
              class="input"
              type="date"
              value={span.value[end]}
              onInput={({ currentTarget }) => (span.value = { ...span.value, [end]: currentTarget.value })}
            />
          </label>
        ))}
        <Button submits>Forget these days</Button>
      </form>
      <Button kind="danger" icon="remove" onClick={() => (isDeleting.value = true)}>
        Forget everything
      </Button>
      <Dialog
        open={isDeleting.value}
        title="Forget everything?"
        onClose={() => (isDeleting.value = false)}
        actions={
          <>
            <Button onClick={() => (isDeleting.value = false)}>Keep</Button>
            <Button kind="danger" onClick={() => void deleteAll()}>
              Forget everything
            </Button>
          </>
        }
      >
        <p>All remembered pages are deleted from this machine. A copy that you have saved stays.</p>
      </Dialog>
    </Section>
  );
}

function Options() {
  return (
    <main>
      <h1>felsic</h1>
      {problem.value !== undefined && (
        <div role="alert">
          <Note dismiss="Put away" onDismiss={() => (problem.value = undefined)}>
            {problem.value}
          </Note>
        </div>
      )}
      {news.value !== undefined && (
        <div role="status">
          <Note kind="news" dismiss="Put away" onDismiss={() => (news.value = undefined)}>
            {news.value}
          </Note>
        </div>
      )}
      <Remembered />
      <Never />
      <Also />
      <Find />
      <Model />
      <Bridged />
      <Indexing />
      <Data />
    </main>
  );
}

await begin();
render(<Options />, document.body);
