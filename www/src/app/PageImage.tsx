/** A page of a PDF, as it looks. */

import { IconButton } from "felsic-ui";
import { useEffect, useRef, useState } from "preact/hooks";
import { isAbort, useApp } from "./context.js";
import { t } from "./messages/index.js";
import { loadPages } from "./seams.js";

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

export function PageImage({ id, name, page, pages, passage, onPage, onFail }: PageImageProps) {
  const { library } = useApp();
  const holder = useRef<HTMLDivElement>(null);
  const [isDrawn, setDrawn] = useState(false);
  useEffect(() => {
    const ending = new AbortController();
    const { signal } = ending;
    setDrawn(false);
    const draw = async () => {
      const [module, file] = await Promise.all([loadPages(), library.original(id)]);
      const box = holder.current;
      if (signal.aborted || !box) return;
      if (!module || !file) return onFail();
      const canvas = await module.renderPage(file, page, { width: box.clientWidth, passage, signal });
      if (signal.aborted) return;
      box.replaceChildren(canvas);
      setDrawn(true);
    };
    draw().catch((error: unknown) => {
      if (!signal.aborted && !isAbort(error)) onFail();
    });
    return () => ending.abort();
  }, [id, page, passage]);
  return (
    <div class="scroller" id="reading" tabIndex={0} role="document" aria-label={t("reader.page.label", { page, file: name })}>
      <div class="page-steps">
        <IconButton icon="back" label={t("reader.page.previous")} disabled={page <= 1} onClick={() => onPage(page - 1)} />
        <span>{t("reader.page", { page, pages })}</span>
        <span class="turned">
          <IconButton icon="back" label={t("reader.page.next")} disabled={page >= pages} onClick={() => onPage(page + 1)} />
        </span>
      </div>
      <div class={isDrawn ? "page-image" : "page-image waiting"} ref={holder} role="img" aria-label={t("reader.page.label", { page, file: name })} />
    </div>
  );
}
