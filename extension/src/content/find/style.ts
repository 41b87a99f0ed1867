/** The find bar's own style; the colours are those of felsic-ui. Sizes are in em: `rem` would be the page's. */
export const STYLE = `
.bar {
  --surface: #fff; --line: #857c74; --text: #201c19; --muted: #615952; --hover: #f3f0ec; --accent: #8f3d29; --bad: #a4261b;
  color-scheme: light; box-sizing: border-box; display: grid; grid-template-columns: minmax(0, 1fr); gap: 6px; width: 460px; max-width: 100%; padding: 8px;
  font: 14px/1.4 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; text-align: start;
  color: var(--text); background: var(--surface); border: 1px solid var(--line); border-radius: 10px;
  box-shadow: 0 8px 28px rgb(0 0 0 / 0.25);
}
@media (prefers-color-scheme: dark) {
  .bar {
    --surface: #272320; --line: #8a8078; --text: #f1ece7; --muted: #b3a9a0; --hover: #37312d; --accent: #efa58d; --bad: #f5a39a;
    color-scheme: dark;
  }
}
.row { display: flex; flex-wrap: wrap; align-items: center; gap: 6px; }
input, select, button {
  box-sizing: border-box; min-height: 32px; padding: 4px 8px; font: inherit; color: inherit; background: transparent;
  border: 1px solid var(--line); border-radius: 6px;
}
.row:first-child { flex-wrap: nowrap; }
input { flex: 1 1 80px; min-width: 0; }
input::placeholder { color: var(--muted); opacity: 1; }
select { flex: 1 1 120px; min-width: 0; background: var(--surface); }
button { cursor: pointer; }
button:hover:not(:disabled) { background: var(--hover); }
button:disabled { color: var(--muted); border-style: dashed; cursor: default; }
button[hidden] { display: none; }
.icon { width: 32px; padding: 0; }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 1px; }
.icon, .count { flex: none; }
.count { min-width: 4.5em; white-space: nowrap; text-align: center; font-variant-numeric: tabular-nums; color: var(--muted); }
.status { flex: 1 1 0; min-width: 0; margin: 0; font-size: 13px; color: var(--muted); }
.problem { color: var(--bad); }
.below:not(:has(button:not([hidden]))):has(.status:empty) { display: none; }
`;
