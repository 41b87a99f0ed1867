/** Makes a worker's time go by. */

/** Has time go by faster, as long waits and the clock tell it. @param {number} times */
export function hurry(times) {
  const [once, often, now] = [setTimeout, setInterval, performance.now.bind(performance)];
  const soon = (/** @type {number} */ ms) => (ms >= 10_000 ? ms / times : ms);
  Object.assign(self, {
    setTimeout: (/** @type {() => void} */ work, /** @type {number} */ ms) => once(work, soon(ms)),
    setInterval: (/** @type {() => void} */ work, /** @type {number} */ ms) => often(work, soon(ms)),
  });
  performance.now = () => now() * times;
}
