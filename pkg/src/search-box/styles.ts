/** How the search box looks. A constructed style sheet needs no `unsafe-inline` in a page's content security policy. */

const LIGHT = `
  --text: var(--felsic-search-text, #1c1e21);
  --muted: var(--felsic-search-muted, #5b6169);
  --background: var(--felsic-search-background, #fff);
  --raised: var(--felsic-search-raised, #f3f4f6);
  --border: var(--felsic-search-border, #d9dce1);
  --accent: var(--felsic-search-accent, #0b5cad);
  --selected: var(--felsic-search-selected, #e8f1fb);
  --mark: var(--felsic-search-mark, #fff0b8);
  --mark-text: var(--felsic-search-mark-text, #1c1e21);
  --backdrop: var(--felsic-search-backdrop, rgb(20 24 31 / 45%));
  color-scheme: light;`;

const DARK = `
  --text: var(--felsic-search-text, #e8eaed);
  --muted: var(--felsic-search-muted, #a3aab4);
  --background: var(--felsic-search-background, #1a1d22);
  --raised: var(--felsic-search-raised, #262a31);
  --border: var(--felsic-search-border, #3a4049);
  --accent: var(--felsic-search-accent, #84b9f5);
  --selected: var(--felsic-search-selected, #22364d);
  --mark: var(--felsic-search-mark, #5c4a10);
  --mark-text: var(--felsic-search-mark-text, #fff3cc);
  --backdrop: var(--felsic-search-backdrop, rgb(0 0 0 / 60%));
  color-scheme: dark;`;

const CSS = `
:host { display: inline-block; ${LIGHT} }
@media (prefers-color-scheme: dark) { :host(:not([theme="light"])) { ${DARK} } }
:host([theme="dark"]) { ${DARK} }
:host([hidden]) { display: none; }
:host([no-button]) { display: contents; }
:host([no-button]) > button { display: none; }
* { box-sizing: border-box; }
[hidden] { display: none !important; }
button, input, dialog { font: inherit; font-family: var(--felsic-search-font, inherit); color: var(--text); }
button { cursor: pointer; border: 1px solid var(--border); border-radius: 8px; background: var(--background); padding: 6px 12px; }
button:hover { border-color: var(--muted); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
svg { width: 1.2em; height: 1.2em; flex: none; fill: none; stroke: currentcolor; stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; }
kbd { font: 500 12px/1 ui-sans-serif, system-ui, sans-serif; border: 1px solid var(--border); border-radius: 5px; padding: 3px 6px; color: var(--muted); background: var(--raised); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

:host > button { display: inline-flex; align-items: center; gap: 8px; min-height: 36px; }
:host > button svg { color: var(--muted); }
.button-text { color: var(--muted); padding-inline-end: 12px; }

dialog { position: fixed; inset: 0; width: min(var(--felsic-search-width, 42rem), calc(100vw - 32px)); max-width: none; height: fit-content; max-height: none; margin: 10vh auto auto; padding: 0; border: 0; background: none; overflow: visible; font-size: 16px; line-height: 1.5; text-align: start; white-space: normal; }
dialog::backdrop { background: var(--backdrop); }
.sheet { display: flex; flex-direction: column; max-height: 76vh; overflow: hidden; border: 1px solid var(--border); border-radius: var(--felsic-search-radius, 12px); background: var(--background); box-shadow: 0 16px 48px rgb(0 0 0 / 28%); }
.head { display: flex; align-items: center; gap: 10px; padding: 6px 8px 6px 18px; padding-inline: 18px 8px; color: var(--muted); }
input { flex: 1; min-width: 0; height: 48px; border: 0; background: none; padding: 0; font-size: 18px; }
/* The field has the focus from the start; its lens shows that. */
input:focus-visible { outline: none; }
.head:focus-within > svg { color: var(--accent); }
.head:has(button:focus) > svg { color: var(--muted); }
input::placeholder { color: var(--muted); opacity: 1; }
.head button { display: grid; place-items: center; width: 40px; height: 40px; padding: 0; border: 0; color: var(--muted); }
.head button:hover { background: var(--raised); color: var(--text); }
.bar { height: 2px; margin-top: -1px; background: linear-gradient(var(--accent), var(--accent)) no-repeat 0 / calc(var(--share, 0) * 100%) 100%, linear-gradient(var(--border), var(--border)) no-repeat 0 50% / 100% 1px; transition: background-size 0.3s; flex: none; }
.bar:dir(rtl) { background-position: 100% 0, 0 50%; }
.body { overflow-y: auto; overscroll-behavior: contain; padding: 8px; scroll-padding: 8px; }
p { margin: 0; padding: 20px 14px 24px; color: var(--muted); overflow-wrap: anywhere; }

a { display: block; padding: 10px 14px; border-radius: 8px; color: inherit; text-decoration: none; cursor: pointer; scroll-margin: 8px; }
a[aria-selected="true"] { background: var(--selected); box-shadow: inset 3px 0 var(--accent); }
a[aria-selected="true"]:dir(rtl) { box-shadow: inset -3px 0 var(--accent); }
a:not([href]) { cursor: default; }
a span { display: block; overflow-wrap: anywhere; }
.title { font-weight: 600; }
.trail { font-size: 13px; color: var(--muted); }
.passage { font-size: 14px; color: var(--muted); display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; margin-top: 2px; }
a[aria-selected="true"] .passage, a[aria-selected="true"] .trail { color: var(--text); }
mark { background: var(--mark); color: var(--mark-text); border-radius: 3px; padding: 0 1px; }
.group { display: block; padding: 14px 14px 4px; font-size: 13px; font-weight: 600; color: var(--accent); }

.foot { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; justify-content: space-between; padding: 9px 16px; border-top: 1px solid var(--border); background: var(--raised); font-size: 13px; color: var(--muted); min-height: 46px; flex: none; }
.state { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; flex: 1 1 auto; overflow-wrap: anywhere; }
.state button { padding: 4px 10px; font-size: 13px; border-radius: 6px; min-height: 28px; }
.state button.first { background: var(--accent); border-color: var(--accent); color: var(--background); }
.keys { display: flex; gap: 14px; white-space: nowrap; }
.keys kbd { margin-inline-end: 3px; background: var(--background); }

@media (hover: none) { .keys, :host > button kbd { display: none; } }
@media (max-width: 640px) {
  dialog { inset: 0; width: 100vw; height: 100vh; height: 100dvh; margin: 0; }
  .sheet { height: 100%; max-height: none; border: 0; border-radius: 0; }
  .head { padding-top: max(6px, env(safe-area-inset-top)); }
  .body { flex: 1; }
  .foot { padding-bottom: max(9px, env(safe-area-inset-bottom)); }
  .keys { display: none; }
  .state span { flex: 1 1 100%; }
}
@media (prefers-reduced-motion: no-preference) {
  dialog[open] { animation: appear 0.12s ease-out; }
  @keyframes appear { from { opacity: 0; transform: translateY(-6px); } }
}
@media (prefers-reduced-motion: reduce) { .bar { transition: none; } }
@media (forced-colors: active) { a[aria-selected="true"] { outline: 2px solid Highlight; outline-offset: -2px; } mark { background: Mark; color: MarkText; } }
`;

let sheet: CSSStyleSheet | undefined;

/** Returns the one style sheet of all boxes. */
export function styles(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(CSS);
  }
  return sheet;
}
