/** The colours of a map, which the style sheet says. */

import type { Colour, Theme } from "./renderer.js";

/** The colours of clusters: `--map-1` and so on. */
export const COLOURS = 8;

/** Reads the colours that apply to an element. */
export function themeOf(element: Element): Theme {
  const probe = document.createElement("i");
  probe.hidden = true;
  element.append(probe);
  const read = (name: string): Colour => {
    probe.style.color = `var(${name})`;
    return parsed(getComputedStyle(probe).color);
  };
  const colours = Array.from({ length: COLOURS }, (_, at) => read(`--map-${at + 1}`));
  const theme = { colours, hit: read("--map-hit"), ground: read("--map-ground") };
  probe.remove();
  return theme;
}

/** Reads a computed colour: `rgb(1, 2, 3)`, or `color(srgb 0.1 0.2 0.3)`. */
export function parsed(colour: string): Colour {
  const numbers = colour.match(/\d*\.?\d+(e-?\d+)?/g)?.map(Number) ?? [];
  const [red = 0, green = 0, blue = 0] = numbers;
  return colour.startsWith("color(") ? [red, green, blue] : [red / 255, green / 255, blue / 255];
}

/** Calls back when the colours may have changed; returns what ends that. */
export function watchTheme(changed: () => void): () => void {
  const queries = ["(prefers-color-scheme: dark)", "(forced-colors: active)", "(prefers-contrast: more)"].map((query) =>
    matchMedia(query),
  );
  for (const query of queries) query.addEventListener("change", changed);
  const observer = new MutationObserver(changed);
  observer.observe(document.documentElement, { attributes: true, attributeFilter: ["data-theme", "class"] });
  return () => {
    for (const query of queries) query.removeEventListener("change", changed);
    observer.disconnect();
  };
}
