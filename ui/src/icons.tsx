/** The icons, drawn for a square of 24 in lines of one width. */

const PATHS = {
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13m4.8 11.3L20 20",
  library: "M4 5.5h5l2 2.5h9v10.5a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1zM4 11h16",
  map: "M6.5 8.5h.01M12 6h.01M17 9.5h.01M9 13h.01M14.5 14.5h.01M7 17.5h.01M17.5 18h.01M12 18.5h.01M4 3v17a1 1 0 0 0 1 1h16",
  shield: "M12 3 5 5.8v5.4c0 4.4 2.9 7.9 7 9.8 4.1-1.9 7-5.4 7-9.8V5.8zM9 12l2.2 2.2L15.3 10",
  settings: "M4 7h9m5 0h2M4 17h2m5 0h9M15.5 4.5v5M8.5 14.5v5",
  close: "M6 6l12 12M18 6 6 18",
  back: "M19 12H5m6-6-6 6 6 6",
  up: "m6 14 6-6 6 6",
  down: "m6 10 6 6 6-6",
  add: "M12 5v14M5 12h14",
  folder: "M4 6h5l2 2.5h9V18a1 1 0 0 1-1 1H5a1 1 0 0 1-1-1z",
  file: "M7 3h7l4 4v14H7zM14 3v4h4",
  text: "M7 3h7l4 4v14H7zM14 3v4h4M9.5 12h5M9.5 15h5M9.5 18h3",
  code: "m9 8-4 4 4 4m6-8 4 4-4 4",
  table: "M4 5h16v14H4zM4 10h16M4 14.5h16M10 10v9",
  page: "M4 5h16v14H4zM4 9h16M6.7 7h.01M9 7h.01",
  slides: "M4 5h16v11H4zM12 16v3m-3 1h6",
  book: "M12 6.5C10 5 7 4.7 4 5v13c3-.3 6 0 8 1.5 2-1.5 5-1.8 8-1.5V5c-3-.3-6 0-8 1.5zm0 0V19.5",
  mail: "M4 6h16v12H4zm0 1 8 6 8-6",
  warning: "M12 4 2.9 19.5h18.2zM12 10v4.5m0 2.5h.01",
  info: "M12 3.5a8.5 8.5 0 1 0 0 17 8.5 8.5 0 0 0 0-17M12 11v5.5m0-9h.01",
  pause: "M8.5 6v12m7-12v12",
  play: "M8 5.5v13l10-6.5z",
  remove: "M5 7h14M10 7V4.5h4V7m-7.5 0 1 12.5h9l1-12.5M10.5 11v5.5m3-5.5v5.5",
  download: "M12 4v11m-4.5-4.5L12 15l4.5-4.5M5 19.5h14",
  upload: "M12 15V4M7.5 8.5 12 4l4.5 4.5M5 19.5h14",
  check: "m5 12.5 4.5 4.5L19 7.5",
  refresh: "M19 12a7 7 0 1 1-2-5l2 2m0-5v5h-5",
} as const;

export type IconName = keyof typeof PATHS;

/** A picture beside words; what it means is always said in words, too. */
export function Icon({ name, small = false }: { readonly name: IconName; readonly small?: boolean }) {
  return (
    <svg class={small ? "icon small" : "icon"} viewBox="0 0 24 24" aria-hidden="true" focusable="false">
      <path d={PATHS[name]} />
    </svg>
  );
}
