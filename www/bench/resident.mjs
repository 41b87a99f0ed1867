// @ts-check
/**
 * Resident memory of a page's renderer, in a Chromium that nobody drives: what drives a browser has it keep the bodies of
 * all responses in the renderer, a copy of every weight. The page tells the server how far it is. Linux only.
 */
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";

/** A process's status file, or nothing if it has ended. @param {string} pid */
function status(pid) {
  try {
    return readFileSync(`/proc/${pid}/status`, "utf8");
  } catch {
    return "";
  }
}

/** A number out of a status file. @param {string} text @param {string} name */
const field = (text, name) => Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(text)?.[1] ?? NaN);

/** Whether a process comes from another. @param {string} pid @param {number} ancestor */
function descends(pid, ancestor) {
  for (let at = Number(pid), steps = 0; at > 1 && steps < 32; at = field(status(String(at)), "PPid"), steps += 1) {
    if (at === ancestor) return true;
  }
  return false;
}

/** Resident bytes of the largest renderer of a browser, or null. @param {number} browser */
function largestRenderer(browser) {
  const renderers = readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/cmdline`, "utf8").includes("--type=renderer") && descends(pid, browser);
    } catch {
      return false;
    }
  });
  const sizes = renderers.map((pid) => field(status(pid), "VmRSS") * 1024).filter((bytes) => bytes > 0);
  return sizes.length ? Math.max(...sizes) : null;
}

/** Removes a browser's profile, in which its last processes may still be writing. What is left of it costs no figure. @param {string} profile */
function removeLater(profile) {
  try {
    rmSync(profile, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
  } catch (error) {
    console.log(`  ${profile} could not be removed: ${error instanceof Error ? error.message : error}`);
  }
}

/**
 * Opens a page that notes its steps with the server, or that it has `failed`, and measures at each.
 * @param {string} chromium
 * @param {string[]} flags
 * @param {string} url
 * @param {readonly string[]} steps
 * @param {(step: string) => Promise<void>} noted settles when the page has noted a step
 * @returns {Promise<(number | null)[]>}
 */
export async function measureResident(chromium, flags, url, steps, noted) {
  const profile = mkdtempSync(join(tmpdir(), "felsic-bench-"));
  const browser = spawn(chromium, ["--headless", "--remote-debugging-port=0", ...flags, `--user-data-dir=${profile}`, url], {
    stdio: "ignore",
  });
  try {
    const ended = new Promise((_, reject) => browser.once("exit", () => reject(new Error("the browser ended"))));
    const failed = noted("failed").then(() => Promise.reject(new Error("the engine failed")));
    failed.catch(() => {});
    const sizes = [];
    for (const step of steps) {
      await Promise.race([
        noted(step),
        failed,
        ended,
        setTimeout(300_000, undefined, { ref: false }).then(() => Promise.reject(new Error(`the page did not get to ${step}`))),
      ]);
      sizes.push(browser.pid ? largestRenderer(browser.pid) : null);
    }
    ended.catch(() => {});
    return sizes;
  } finally {
    browser.removeAllListeners("exit");
    const gone = new Promise((resolve) => browser.once("exit", resolve));
    browser.kill();
    await gone;
    removeLater(profile);
  }
}
