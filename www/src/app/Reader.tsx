/** One document, opened at a passage. */

import { Button, Empty, Icon, IconButton, type Range, Segmented } from "felsic-ui";
import { telling } from "felsic-ui/telling";
import type { VNode } from "preact";
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { Library } from "../library/types.js";
import type { FileKind } from "../reading/types.js";
import { reason, useApp } from "./context.js";
import { readerIsThere } from "./keys.js";
import { t } from "./messages/index.js";
import { fileName, KIND_ICONS } from "./names.js";
import { PageImage } from "./PageImage.js";
import { PaneHead } from "./Pane.js";
import { type Block, cells, marksIn, passageRange, type Readable, readable, separatorOf } from "./readable.js";
import { go, route } from "./route.js";
import { type FoundFile, type FoundPassage, pageAt } from "./searching.js";
import { partName } from "./Results.js";

/** A document that has been opened. */
interface Opened {
  readonly id: string;
  readonly file: string;
  readonly kind: FileKind;
  readonly source: string;
  readonly pages: readonly number[];
}

/** Opens a document by its id; an id of a file with several documents opens the first of them. */
async function openDocument(library: Library, id: string): Promise<Opened | undefined> {
  const collection = library.collection.value;
  let held = await collection?.get(id);
  if (collection && !held) {
    for await (const first of collection.documents({ where: { file: id } })) {
      held = await collection.get(first.id);
      break;
    }
  }
  if (!held) return undefined;
  const { text: source, meta = {} } = held;
  const file = typeof meta.file === "string" ? meta.file : id;
  const known = library.files.value.find(({ path }) => path === file);
  return {
    id: held.id,
    file,
    kind: typeof meta.kind === "string" && meta.kind in KIND_ICONS ? (meta.kind as FileKind) : (known?.kind ?? "text"),
    source,
    pages: Array.isArray(meta.pages) ? meta.pages.map(Number) : [],
  };
}

type State = Opened | "opening" | "gone" | { readonly problem: string };

function useDocument(id: string): State {
  const { library } = useApp();
  const [state, setState] = useState<State>("opening");
  const version = library.version.value;
  const isOpen = library.collection.value !== undefined;
  useEffect(() => {
    let isCurrent = true;
    openDocument(library, id).then(
      (opened) => {
        if (!isCurrent || (!opened && !isOpen)) return;
        setState((before) => (opened && isSame(before, opened) ? before : (opened ?? "gone")));
      },
      (error: unknown) => isCurrent && setState({ problem: reason(error) }),
    );
    return () => void (isCurrent = false);
  }, [id, version, isOpen]);
  return state;
}

const isSame = (a: State, b: Opened): boolean => typeof a === "object" && "id" in a && a.id === b.id && a.source === b.source;

export function Reader() {
  const { searching } = useApp();
  const { open = "", start, end } = route.value;
  const state = useDocument(open);
  const opened = typeof state === "object" && "id" in state ? state : undefined;
  const file = opened?.file ?? open;
  const found = searching.found.value?.files.find(({ path }) => path === file);
  // In the order of the text, as a person reads.
  const passages = useMemo(() => inOrder(found), [found]);
  const at = passages.findIndex(({ hit, passage }) => hit.id === opened?.id && passage.start === start);
  const part = opened ? partName(opened.id, file) : "";
  const [look, setLook] = useState<"page" | "text">("page");
  const page = opened && opened.kind === "pdf" ? pageAt(opened.pages, start ?? 0) : undefined;

  return (
    <>
      <PaneHead
        title={fileName(file)}
        detail={[...file.split("/").slice(0, -1), ...(part === "" ? [] : [part])].join(" › ")}
        icon={opened ? KIND_ICONS[opened.kind] : "file"}
      />
      {(passages.length > 0 || page !== undefined) && (
        <div class="reader-bar">
          {passages.length > 0 && <Steps passages={passages} at={at} />}
          {page !== undefined && (
            <Segmented
              label={t("reader.look")}
              value={look}
              choices={[
                { value: "page", label: t("reader.asPage") },
                { value: "text", label: t("reader.asText") },
              ]}
              onChange={setLook}
            />
          )}
        </div>
      )}
      {state === "opening" && <p class="quiet-line">{t("reader.loading")}</p>}
      {state === "gone" && <Empty icon="file" title={t("reader.gone")} />}
      {typeof state === "object" && "problem" in state && (
        <Empty icon="warning" title={t("reader.failed", { reason: state.problem })} />
      )}
      {opened &&
        (page !== undefined && look === "page" ? (
          <PageImage
            key={opened.id}
            id={opened.id}
            name={fileName(file)}
            page={page}
            pages={opened.pages.length}
            passage={start === undefined || end === undefined ? "" : opened.source.slice(start, end)}
            onPage={(number) => go({ start: opened.pages[number - 1], end: undefined }, { replace: true })}
            onFail={() => setLook("text")}
          />
        ) : (
          <Text opened={opened} found={passages[at]} start={start} end={end} />
        ))}
    </>
  );
}

function inOrder(file: FoundFile | undefined): readonly FoundPassage[] {
  return [...(file?.passages ?? [])].sort((a, b) => a.hit.id.localeCompare(b.hit.id) || a.passage.start - b.passage.start);
}

/** From passage to passage of the file. */
function Steps({ passages, at }: { readonly passages: readonly FoundPassage[]; readonly at: number }) {
  const show = (index: number) => {
    const next = passages[index];
    if (next) go({ open: next.hit.id, start: next.passage.start, end: next.passage.end }, { replace: true });
  };
  const count = passages.length;
  return (
    <div class="steps">
      <span data-key="previous">
        <IconButton icon="up" label={t("reader.previous")} disabled={at === 0} onClick={() => show(at - 1)} />
      </span>
      <span data-key="next">
        <IconButton icon="down" label={t("reader.next")} disabled={at === count - 1} onClick={() => show(at + 1)} />
      </span>
      {at >= 0 && (
        <span class="place" role="status">
          {t("reader.place", { place: at + 1, count })}
        </span>
      )}
    </div>
  );
}

/** Characters on each side of a place that are shown at first; more on request. */
const AROUND = 60_000;

interface TextProps {
  readonly opened: Opened;
  readonly found: FoundPassage | undefined;
  readonly start: number | undefined;
  readonly end: number | undefined;
}

function Text({ opened, found, start, end }: TextProps) {
  const content = useMemo(() => readable(opened.source, opened.kind), [opened]);
  const scroller = useRef<HTMLDivElement>(null);
  const range = useMemo(
    () => (start === undefined || end === undefined ? undefined : passageRange(content, opened.source, start, end)),
    [content, start, end],
  );
  const marks = useMemo(
    () =>
      range && found
        ? marksIn(content, range, found.passage.text, telling(found.passage.text, found.highlights, route.value.query))
        : [],
    [content, range, found],
  );
  const center = range?.start ?? 0;
  const [shown, setShown] = useState<Range>({ start: 0, end: 0 });
  const isCovered = center >= shown.start && (range?.end ?? 0) <= shown.end && shown.end > 0;
  const from = isCovered ? shown.start : Math.max(0, center - AROUND);
  const to = isCovered ? shown.end : center + AROUND;
  useEffect(() => {
    if (!isCovered) setShown({ start: from, end: to });
  }, [isCovered, from, to]);
  const blocks = content.blocks.filter((block) => block.start + block.text.length > from && block.start < to);

  useEffect(readerIsThere, []);
  useLayoutEffect(() => {
    const box = scroller.current;
    const lit = box?.querySelector(".lit");
    if (!box) return;
    if (!lit) box.scrollTop = 0;
    else box.scrollTop += lit.getBoundingClientRect().top - box.getBoundingClientRect().top - box.clientHeight * 0.22;
  }, [content, range?.start, range?.end]);

  return (
    <div class="scroller" id="reading" ref={scroller} tabIndex={0} role="document" aria-label={t("reader.label")}>
      <div class={`reading ${opened.kind}`} dir="auto">
        {from > 0 && blocks[0]?.start !== content.blocks[0]?.start && (
          <Button kind="quiet" icon="up" onClick={() => setShown({ start: Math.max(0, from - AROUND), end: to })}>
            {t("reader.earlier")}
          </Button>
        )}
        <Blocks content={content} blocks={blocks} range={range} marks={marks} />
        {to < content.text.length && (
          <Button kind="quiet" icon="down" onClick={() => setShown({ start: from, end: to + AROUND })}>
            {t("reader.later")}
          </Button>
        )}
      </div>
    </div>
  );
}

interface BlocksProps {
  readonly content: Readable;
  readonly blocks: readonly Block[];
  readonly range: Range | undefined;
  readonly marks: readonly Range[];
}

function Blocks({ content, blocks, range, marks }: BlocksProps) {
  if (content.blocks[0]?.kind === "row") return <Table content={content} rows={blocks} range={range} marks={marks} />;
  return (
    <>
      {blocks.map((block) => {
        const words = <Words text={block.text} start={block.start} range={range} marks={marks} />;
        if (block.kind === "heading") {
          return (
            <p key={block.start} class={`heading level-${block.level ?? 1}`} role="heading" aria-level={(block.level ?? 1) + 2}>
              {words}
            </p>
          );
        }
        return block.kind === "code" ? <pre key={block.start}>{words}</pre> : <p key={block.start}>{words}</p>;
      })}
    </>
  );
}

interface TableProps extends Omit<BlocksProps, "blocks"> {
  readonly rows: readonly Block[];
}

function Table({ content, rows, range, marks }: TableProps) {
  const first = content.blocks[0];
  if (!first) return null;
  const separator = separatorOf(first.text);
  const cellsOf = (row: Block, Cell: "td" | "th") =>
    cells(row.text, separator).map(({ start, text }) => (
      <Cell key={start} {...(Cell === "th" && { scope: "col" })}>
        <Words text={text} start={row.start + start} range={range} marks={marks} />
      </Cell>
    ));
  return (
    <table>
      <thead>
        <tr>{cellsOf(first, "th")}</tr>
      </thead>
      <tbody>{rows.map((row) => row !== first && row.text.trim() !== "" && <tr key={row.start}>{cellsOf(row, "td")}</tr>)}</tbody>
    </table>
  );
}

interface WordsProps {
  readonly text: string;
  /** Where it is in the document. */
  readonly start: number;
  readonly range: Range | undefined;
  readonly marks: readonly Range[];
}

/** A text, the part of it that belongs to the passage, and what is marked in that. */
function Words({ text, start, range, marks }: WordsProps) {
  const from = range ? Math.max(0, range.start - start) : 0;
  const to = range ? Math.min(text.length, range.end - start) : 0;
  if (to <= from) return <>{text}</>;
  const parts: (string | VNode)[] = [];
  let at = from;
  for (const mark of marks) {
    const begin = Math.max(at, mark.start - start);
    const stop = Math.min(to, mark.end - start);
    if (stop <= begin) continue;
    parts.push(text.slice(at, begin), <mark key={begin}>{text.slice(begin, stop)}</mark>);
    at = stop;
  }
  parts.push(text.slice(at, to));
  return (
    <>
      {text.slice(0, from)}
      <span class="lit">{parts}</span>
      {text.slice(to)}
    </>
  );
}

/** Nothing is open: says what would be here, and which keys lead there. */
export function NothingOpen() {
  return (
    <div class="nothing-open">
      <Icon name="text" />
      <p>{t("reader.empty.text")}</p>
    </div>
  );
}
