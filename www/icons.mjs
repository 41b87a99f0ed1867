/** Draws the app's icons from favicon.svg: `CHROMIUM_PATH=… node www/icons.mjs`. The results are committed; run it when the drawing changes. */

import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { chromium } from "playwright-core";

const folder = join(import.meta.dirname, "public");
const svg = readFileSync(join(folder, "favicon.svg"), "utf8");
mkdirSync(join(folder, "icons"), { recursive: true });

/**
 * The file, its size in pixels, the share of it that the drawing fills, and what is behind it. A maskable icon is cut to any form within
 * the circle of 80 %.
 *
 * @type {[name: string, size: number, share: number, background: string][]}
 */
const ICONS = [
  ["icon-192", 192, 0.9, "transparent"],
  ["icon-512", 512, 0.9, "transparent"],
  ["maskable-512", 512, 0.62, "#fbf5f2"],
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM_PATH ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-quic", "--no-first-run", "--disable-background-networking"],
});
const page = await browser.newPage();
for (const [name, size, share, background] of ICONS) {
  await page.setViewportSize({ width: size, height: size });
  await page.setContent(`<style>
    body { margin: 0; height: 100vh; display: grid; place-items: center; background: ${background}; }
    svg { width: ${share * 100}vw; height: ${share * 100}vh; }
  </style>${svg}`);
  await page.screenshot({ path: join(folder, `icons/${name}.png`), omitBackground: true });
}
await browser.close();
