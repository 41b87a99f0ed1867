/** Parts of the page that are loaded when they are needed. A build without a part goes on without it. */

import type { ReadonlySignal } from "@preact/signals";
import type { ComponentType } from "preact";
import type { Hit } from "felsic/search";
import type { Library, Place } from "../library/types.js";

export interface MapProps {
  readonly library: Library;
  readonly hits: ReadonlySignal<readonly Hit[]>;
  readonly query: ReadonlySignal<string>;
  readonly onOpen: (place: Place) => void;
  readonly onSelect: (ids: readonly string[] | undefined) => void;
}

interface MapModule {
  readonly MapView: ComponentType<MapProps>;
}

interface PagesModule {
  renderPage(
    file: File,
    page: number,
    options: { readonly width: number; readonly passage: string; readonly signal: AbortSignal },
  ): Promise<HTMLElement>;
}

async function load<Part>(modules: Record<string, () => Promise<unknown>>): Promise<Part | undefined> {
  const [first] = Object.values(modules);
  return first && ((await first()) as Part);
}

export const loadMap = () => load<MapModule>(import.meta.glob("../map/index.tsx"));
export const loadPages = () => load<PagesModule>(import.meta.glob("../reading/pdf-page.ts"));
