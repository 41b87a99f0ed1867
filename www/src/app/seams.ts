/** Parts of the page that are loaded when they are needed. A build without a part goes on without it. */

import type { ReadonlySignal } from "@preact/signals";
import type { ComponentType } from "preact";
import type { Hit } from "felsic/search";
import type { Library, Place } from "../library/types.js";

/** One request of the page. */
export interface RequestRecord {
  readonly url: string;
  readonly bytes: number;
  readonly when: number;
  readonly beforeModel: boolean;
}

/** What the shell of the page knows and does: network, installing, new versions, what is shared with the page. */
export interface Shell {
  readonly requests: ReadonlySignal<readonly RequestRecord[]>;
  readonly offline: ReadonlySignal<"no" | "ready">;
  readonly installable: ReadonlySignal<boolean>;
  install(): unknown;
  readonly update: ReadonlySignal<boolean>;
  applyUpdate(): unknown;
  shared(): Promise<{ readonly files: readonly File[]; readonly text: string } | undefined>;
}

export interface MapProps {
  readonly library: Library;
  readonly hits: ReadonlySignal<readonly Hit[]>;
  readonly query: ReadonlySignal<string>;
  readonly onOpen: (place: Place) => void;
  readonly onSelect: (ids: readonly string[] | undefined) => void;
}

async function load<Part>(modules: Record<string, () => Promise<unknown>>): Promise<Part | undefined> {
  const [first] = Object.values(modules);
  return first && ((await first()) as Part);
}

export const loadMap = () =>
  load<{ readonly MapView: ComponentType<MapProps> }>(import.meta.glob("../map/index.tsx"));
