/** A page of a PDF, as it looks. */

import { IconButton } from "felsic-ui";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Library } from "../library/types.js";
import type { Box, PdfView } from "../reading/pdf-page.js";
import { useApp } from "./context.js";
import { readerIsThere } from "./keys.js";
import { t } from "./messages/index.js";

interface PageImageProps {
  readonly id: string;
  readonly name: string;
  readonly page: number;
  readonly pages: number;
  /** What was found, which is marked on the page. */
  readonly passage: string;
  readonly onPage: (page: number) => void;
  /** The page cannot be drawn. */
  readonly onFail: () => void;
}

/** The widest that a page is drawn, in CSS pixels, and what is left free beside it. */
const WIDEST = 900;
const MARGIN = 32;

async function open(library: Library, id: string): Promise<PdfView> {
  const [{ PdfView }, file] = await Promise.all([import("../reading/pdf-page.js"), library.original(id)]);
  if (!file) throw new Error("the browser does not give the file any more");
  return PdfView.open(file);
}

export function PageImage({ id, name, page, pages, passage, onPage, onFail }: PageImageProps) {
  const { library } = useApp();
  const scroller = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const [view, setView] = useState<PdfView>();
  const [boxes, setBoxes] = useState<readonly Box[]>();

  useEffect(readerIsThere, []);
  useEffect(() => {
    let isCurrent = true;
    const opening = open(library, id);
    opening.then(
      (opened) => isCurrent && setView(opened),
      () => isCurrent && onFail(),
    );
    return () => {
      isCurrent = false;
      opening.then(
        (opened) => opened.close(),
        () => {},
      );
    };
  }, [id]);

  useEffect(() => {
    const [box, target] = [scroller.current, canvas.current];
    if (!view || !box || !target) return undefined;
    const ending = new AbortController();
    const { signal } = ending;
    setBoxes(undefined);
    const width = Math.min(WIDEST, box.clientWidth - MARGIN);
    view.render(page, target, { width, highlight: passage, signal }).then(
      (drawn) => {
        if (signal.aborted) return;
        setBoxes(drawn.boxes);
        box.scrollTop = Math.max(0, (drawn.boxes[0]?.y ?? 0) - box.clientHeight / 4);
      },
      () => {
        if (!signal.aborted) onFail();
      },
    );
    return () => ending.abort();
  }, [view, page, passage]);

  return (
    <div class="scroller" id="reading" ref={scroller} tabIndex={0} role="document" aria-label={t("reader.label")}>
      <div class="page-steps">
        <IconButton icon="back" label={t("reader.page.previous")} disabled={page <= 1} onClick={() => onPage(page - 1)} />
        <span>{t("reader.page", { page, pages })}</span>
        <span class="turned">
          <IconButton icon="back" label={t("reader.page.next")} disabled={page >= pages} onClick={() => onPage(page + 1)} />
        </span>
      </div>
      <div class={boxes ? "page-image" : "page-image waiting"}>
        <canvas ref={canvas} role="img" aria-label={t("reader.page.label", { page, file: name })} />
        {boxes?.map(({ x, y, width, height }, index) => (
          <span key={index} class="box" style={{ left: `${x}px`, top: `${y}px`, width: `${width}px`, height: `${height}px` }} />
        ))}
      </div>
    </div>
  );
}
