/** What tests wait with. A machine may hold a browser up for seconds: what a test wants to see is awaited, never taken for done after a while. */

import { setTimeout as sleep } from "node:timers/promises";

/** Milliseconds after which what has not come is taken for what never comes. */
const PATIENCE = 30_000;

/**
 * Asks until the answer is as wanted, or for long in vain; returns the last answer, for an assertion to judge.
 *
 * @template Answer
 * @param {() => Answer | Promise<Answer>} ask
 * @param {(answer: Answer) => boolean} fits
 * @param {number} [pause] between two questions, in milliseconds
 * @returns {Promise<Answer>}
 */
export async function eventually(ask, fits, pause = 25) {
  const end = performance.now() + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (fits(answer) || performance.now() > end) return answer;
    await sleep(pause);
  }
}

/**
 * Waits until a page's style is what it will be: no animation and no transition is under way, but for those without an end.
 *
 * @param {import("playwright-core").Page} page
 */
export async function still(page) {
  await page.evaluate(async () => {
    // What was changed just now begins its transitions with the next frame.
    for (let frame = 0; frame < 2; frame += 1) await new Promise((resolve) => requestAnimationFrame(resolve));
    const roots = [document, ...Array.from(document.querySelectorAll("*"), ({ shadowRoot }) => shadowRoot ?? [])].flat();
    const ending = roots
      .flatMap((root) => root.getAnimations())
      .filter(({ effect }) => effect?.getComputedTiming().endTime !== Infinity);
    await Promise.allSettled(ending.map(({ finished }) => finished));
  });
}
