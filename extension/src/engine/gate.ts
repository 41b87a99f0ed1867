/** Whether indexing may go on. A search always may. */

import type { Pause } from "../shared/messages.js";
import type { Settings } from "../shared/settings.js";

/** What browsers tell of the battery; not all do, and TypeScript knows nothing of it. */
interface Battery extends EventTarget {
  readonly charging: boolean;
}

export class Gate {
  #settings: Settings;
  #isBackground: boolean;
  #battery: Battery | undefined;
  readonly #changed: () => void;

  /** `changed` is called whenever indexing may go on that had to wait. */
  constructor(settings: Settings, isBackground: boolean, changed: () => void) {
    this.#settings = settings;
    this.#isBackground = isBackground;
    this.#changed = changed;
    void this.#watchBattery();
  }

  async #watchBattery(): Promise<void> {
    const { getBattery } = navigator as { getBattery?: () => Promise<Battery> };
    // Browsers that do not tell are taken to be at a socket.
    this.#battery = await getBattery?.call(navigator).catch(() => undefined);
    this.#battery?.addEventListener("chargingchange", this.#changed);
  }

  /** Takes over the settings, and whether no window of the browser is in front. */
  update(settings: Settings, isBackground: boolean): void {
    const waited = this.pauses.length > 0;
    this.#settings = settings;
    this.#isBackground = isBackground;
    if (waited && this.pauses.length === 0) this.#changed();
  }

  /** Returns why indexing waits; nothing: it may go on. */
  get pauses(): Pause[] {
    const { isPaused, pauseOnBattery, pauseInBackground } = this.#settings;
    const pauses: Pause[] = [];
    if (isPaused) pauses.push("paused");
    if (pauseOnBattery && this.#battery?.charging === false) pauses.push("battery");
    if (pauseInBackground && this.#isBackground) pauses.push("background");
    return pauses;
  }
}
