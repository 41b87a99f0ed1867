/** The side panel: searches the memory, shows the pages that were seen last, forgets. */

import { computed, effect, signal } from "@preact/signals";
import { render } from "preact";
import { Button, Empty, FilterChip, HitCard, IconButton, Note, snippet, type Choice, type IconName } from "felsic-ui";
import { telling } from "felsic-ui/telling";
import { ExtensionError, hasCode } from "../shared/errors.js";
import { PROBLEM } from "../shared/find-problem.js";
import { call, type Found, type PageRecord, type Pause, type SourceName } from "../shared/messages.js";
import { allowAll, attempt, begin, changes, countText, dateText, problem, settings, state } from "./common.js";

type Time = "any" | "day" | "week" | "month" | "year";

const DAY = 86_400_000;
const TIMES: readonly (Choice<Time> & { readonly days: number })[] = [
  { value: "any", label: "Any time", days: Infinity },
  { value: "day", label: "Past day", days: 1 },
  { value: "week", label: "Past week", days: 7 },
  { value: "month", label: "Past month", days: 30 },
  { value: "year", label: "Past year", days: 365 },
];

const ICONS: Record<SourceName, IconName> = { page: "page", bookmark: "book", tab: "folder" };
const PAUSES: Record<Pause, string> = {
  paused: "Indexing is paused.",
  battery: "Indexing waits until the machine is charged.",
  background: "Indexing waits while the browser is in the background.",
};

const query = signal(new URLSearchParams(location.search).get("q") ?? "");
const time = signal<Time>("any");
const site = signal("");
const hits = signal<readonly Found[]>([]);
const recent = signal<readonly PageRecord[]>([]);
const sites = signal<readonly Choice<string>[]>([]);
/** What happened last, for people. */
const news = signal<string | undefined>(undefined);
/** Whether the page in front was not remembered because the browser does not let the extension read it. */
const blocked = signal(false);

const range = computed(() => {
  const days = TIMES.find(({ value }) => value === time.value)?.days ?? Infinity;
  return { ...(site.value && { site: site.value }), ...(Number.isFinite(days) && { from: Date.now() - days * DAY }) };
});

let asked = 0;

async function search(): Promise<void> {
  asked += 1;
  const mine = asked;
  const text = query.value.trim();
  const where = range.value;
  await attempt(async () => {
    if (text === "") {
      const pages = await call("memory.recent", { ...where, limit: 50 });
      if (mine === asked) recent.value = pages;
    } else {
      const found = await call("memory.search", { query: text, ...where });
      if (mine === asked) hits.value = found;
    }
    if (mine !== asked) return;
    const counts = await call("memory.sites", {});
    sites.value = counts.map(({ site, pages }) => ({ value: site, label: `${site} (${pages})` }));
  });
}

async function remember(): Promise<void> {
  news.value = undefined;
  blocked.value = false;
  await attempt(async () => {
    try {
      await call("memory.remember", {});
      news.value = "This page is remembered.";
    } catch (error) {
      blocked.value = hasCode(error, "not-allowed");
      throw error;
    }
  });
}

/** Asks for all web pages: the extension does not know which site is in front. */
async function allowAndRemember(): Promise<void> {
  if (await allowAll()) await remember();
}

/** Opens the find bar in the page in front, with what stands in the field. */
async function find(): Promise<void> {
  await attempt(() => call("find.start", { query: query.value.trim() }));
}

/** Shows, once, why a key or a menu could not open the find bar. */
async function showFindProblem(): Promise<void> {
  const { [PROBLEM]: message } = await chrome.storage.session.get(PROBLEM);
  if (typeof message !== "string") return;
  await chrome.storage.session.remove(PROBLEM);
  await attempt(() => Promise.reject(new ExtensionError("not-allowed", message)));
}

async function forget(selection: { ids?: readonly string[]; site?: string }, what: string): Promise<void> {
  await attempt(async () => {
    const pages = await call("memory.forget", selection);
    news.value = `${countText(pages, "page", "pages")} of ${what} forgotten.`;
    await search();
  });
}

/** Opens a hit: its tab if it is open, otherwise in the tab in front. */
async function open(event: MouseEvent, link: string, tab?: number): Promise<void> {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (tab !== undefined) await chrome.tabs.update(tab, { active: true });
  else if (document.body.dataset["place"] === "tab") location.href = link;
  else await chrome.tabs.update({ url: link });
}

function Hit({ hit }: { readonly hit: Found }) {
  const { id, source, title, site, last, passage, highlights, link, tab } = hit;
  const date = last === undefined ? undefined : { text: dateText(last), machine: new Date(last).toISOString() };
  const shown = {
    key: id,
    href: link,
    snippet: snippet(passage, telling(passage, highlights, query.value), 280),
    trail: "",
    current: false,
  };
  return (
    <HitCard
      title={title}
      icon={ICONS[source]}
      path={tab === undefined ? site : `${site}, open in a tab`}
      date={date}
      passages={[shown]}
      onOpen={(_, event) => void open(event, link, tab)}
    >
      {source === "page" && <Forget id={id} site={site} />}
    </HitCard>
  );
}

function Forget({ id, site }: { readonly id: string; readonly site: string }) {
  return (
    <>
      <Button kind="quiet" onClick={() => void forget({ ids: [id] }, site)}>
        Forget page
      </Button>
      <Button kind="quiet" onClick={() => void forget({ site }, site)}>
        Forget {site}
      </Button>
    </>
  );
}

function Recent({ page }: { readonly page: PageRecord }) {
  return (
    <li class="recent">
      <a href={page.url} onClick={(event) => void open(event, page.url)}>
        <span dir="auto">{page.title || page.url}</span>
        <small>
          {page.site} · {dateText(page.last)}
        </small>
      </a>
      <IconButton icon="remove" label={`Forget ${page.title}`} onClick={() => void forget({ ids: [page.id] }, page.site)} />
    </li>
  );
}

function Status() {
  const now = state.value;
  if (!now) return null;
  const parts = [countText(now.pages, "page", "pages")];
  if (now.waiting > 0) parts.push(`${now.waiting} waiting`);
  const [pause] = now.pauses;
  return (
    <p class="status" role="status">
      {parts.join(", ")}. {now.waiting > 0 && pause && PAUSES[pause]}
    </p>
  );
}

function Nothing() {
  if (settings.value.mode === "off" && (state.value?.pages ?? 0) === 0) {
    return (
      <Empty
        icon="shield"
        title="The memory is off"
        actions={
          <Button kind="primary" onClick={() => void chrome.runtime.openOptionsPage()}>
            Choose what is remembered
          </Button>
        }
      >
        <p>Switch it on to find pages that you have read by what they mean. Everything stays on this machine.</p>
      </Empty>
    );
  }
  return query.value.trim() === "" ? (
    <Empty icon="book" title="Nothing yet">
      <p>Pages that you read appear here.</p>
    </Empty>
  ) : (
    <Empty icon="search" title="Nothing fits">
      <p>Describe what the page said in other words, or search all of the time.</p>
    </Empty>
  );
}

function Results() {
  const isSearch = query.value.trim() !== "";
  if ((isSearch ? hits.value : recent.value).length === 0) return <Nothing />;
  if (!isSearch) {
    return (
      <section aria-labelledby="recent">
        <h2 id="recent">Read last</h2>
        <ul>
          {recent.value.map((page) => (
            <Recent key={page.id} page={page} />
          ))}
        </ul>
      </section>
    );
  }
  return (
    <section aria-labelledby="results" class="hits">
      <h2 id="results" class="unseen">
        Results
      </h2>
      {hits.value.map((hit) => (
        <Hit key={hit.id} hit={hit} />
      ))}
    </section>
  );
}

function Panel() {
  return (
    <>
      <header>
        <h1 class="unseen">felsic</h1>
        <form role="search" onSubmit={(event) => (event.preventDefault(), void search())}>
          <input
            class="input"
            type="search"
            aria-label="Search what you have read"
            placeholder="Search what you have read"
            value={query.value}
            onInput={(event) => (query.value = event.currentTarget.value)}
          />
        </form>
        <div class="bar">
          <FilterChip label="Time" choices={TIMES} value={time.value} onChange={(value) => (time.value = value)} />
          <FilterChip
            label="Site"
            choices={[{ value: "", label: "All sites" }, ...sites.value]}
            value={site.value}
            onChange={(value) => (site.value = value)}
          />
          <IconButton icon="settings" label="Options" onClick={() => void chrome.runtime.openOptionsPage()} />
        </div>
      </header>
      <main>
        {problem.value !== undefined && (
          <div role="alert">
            <Note
              dismiss="Put away"
              onDismiss={() => (problem.value = undefined)}
              actions={blocked.value && <Button onClick={() => void allowAndRemember()}>Allow felsic to read pages</Button>}
            >
              <p>{problem.value}</p>
            </Note>
          </div>
        )}
        {news.value !== undefined && (
          <div role="status">
            <Note kind="news" dismiss="Put away" onDismiss={() => (news.value = undefined)}>
              <p>{news.value}</p>
            </Note>
          </div>
        )}
        <Results />
      </main>
      <footer>
        {document.body.dataset["place"] !== "tab" && (
          <Button icon="search" onClick={() => void find()}>
            Find on this page
          </Button>
        )}
        {settings.value.mode !== "off" && (
          <Button icon="add" onClick={() => void remember()}>
            Remember this page
          </Button>
        )}
        <Status />
      </footer>
    </>
  );
}

/** Whether this is a page in a tab, opened from the address bar, rather than the side panel. */
async function place(): Promise<void> {
  if (await chrome.tabs.getCurrent()) document.body.dataset["place"] = "tab";
}

await Promise.all([begin(), place()]);
render(<Panel />, document.body);
chrome.storage.session.onChanged.addListener(() => void showFindProblem());
await showFindProblem();

let typed: ReturnType<typeof setTimeout> | undefined;
effect(() => {
  void [query.value, range.value, changes.value];
  clearTimeout(typed);
  typed = setTimeout(() => void search(), 120);
});
