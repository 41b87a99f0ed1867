/** The ways into the library: buttons, drops anywhere on the page, and pasted files. */

import { Button, Icon } from "felsic-ui";
import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Library } from "../library/types.js";
import { isAbort, reason, say, useApp } from "./context.js";
import { t } from "./messages/index.js";
import { sampleFiles } from "./samples.js";
import { isText } from "./SearchBar.js";

/** Adds things; what goes wrong with all of them is said. */
function take(work: Promise<void>): void {
  work.catch((error: unknown) => {
    // Whoever closes the browser's picker has decided not to add anything.
    if (isAbort(error)) return;
    say(t("problem.unknown", { reason: reason(error) }), "bad");
  });
}

export function AddButtons({ large = false, samples = false }: { readonly large?: boolean; readonly samples?: boolean }) {
  const { library } = useApp();
  const files = useRef<HTMLInputElement>(null);
  const size = large ? "large" : "normal";
  return (
    <div class="add-buttons">
      <Button kind="primary" size={size} icon="folder" onClick={() => take(library.pickFolder())}>
        {t("welcome.folder")}
      </Button>
      <Button size={size} icon="file" onClick={() => files.current?.click()}>
        {t("welcome.files")}
      </Button>
      <input
        ref={files}
        type="file"
        multiple
        hidden
        aria-label={t("welcome.files")}
        onChange={(event) => {
          take(library.addItems([...(event.currentTarget.files ?? [])]));
          event.currentTarget.value = "";
        }}
      />
      {samples && (
        <Button size={size} kind="quiet" onClick={() => take(library.addItems(sampleFiles(t("samples.name"))))}>
          {t("welcome.samples")}
        </Button>
      )}
    </div>
  );
}

/** Whether something is dragged over the page that can be dropped on it. */
const dragged = signal(false);

const isForTheLibrary = (data: DataTransfer | null, target: EventTarget | null): boolean =>
  (data?.types.includes("Files") ?? false) ||
  (isText(data) && !(target instanceof Element && target.closest("input, textarea") !== null));

function listen(library: Library): () => void {
  const ending = new AbortController();
  const { signal } = ending;
  document.addEventListener(
    "dragover",
    (event) => {
      if (!isForTheLibrary(event.dataTransfer, event.target)) return;
      event.preventDefault();
      dragged.value = true;
    },
    { signal },
  );
  document.addEventListener(
    "dragleave",
    (event) => {
      if (event.relatedTarget === null) dragged.value = false;
    },
    { signal },
  );
  document.addEventListener(
    "drop",
    (event) => {
      dragged.value = false;
      const { dataTransfer } = event;
      if (event.defaultPrevented || !dataTransfer || !isForTheLibrary(dataTransfer, event.target)) return;
      event.preventDefault();
      if (isText(dataTransfer)) {
        const text = dataTransfer.getData("text/plain");
        if (text.trim() !== "") take(library.addText(text, t("library.text.name.default")));
      } else take(library.addItems(dataTransfer));
    },
    { signal },
  );
  document.addEventListener(
    "paste",
    (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      take(library.addItems(files));
    },
    { signal },
  );
  return () => ending.abort();
}

/** Covers the page while something is dragged over it. */
export function DropTarget() {
  const { library } = useApp();
  useEffect(() => listen(library), [library]);
  if (!dragged.value) return null;
  return (
    <div class="drop" aria-hidden="true">
      <Icon name="download" />
      {t("drop.files")}
    </div>
  );
}
