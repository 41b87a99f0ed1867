/** Offers to install the page as an app, where the browser can. */

import { type ReadonlySignal, signal } from "@preact/signals";

/** The event of browsers that let a page ask; TypeScript's library does not have it. */
interface InstallPrompt extends Event {
  prompt(): Promise<{ readonly outcome: "accepted" | "dismissed" }>;
}

export interface Installing {
  readonly installable: ReadonlySignal<boolean>;
  install(): Promise<boolean>;
}

export function watchInstalling(): Installing {
  const installable = signal(false);
  let offer: InstallPrompt | undefined;
  addEventListener("beforeinstallprompt", (event) => {
    // The page has a button of its own.
    event.preventDefault();
    offer = event as InstallPrompt;
    installable.value = true;
  });
  addEventListener("appinstalled", () => {
    offer = undefined;
    installable.value = false;
  });
  return {
    installable,
    async install() {
      const current = offer;
      offer = undefined;
      installable.value = false;
      return (await current?.prompt())?.outcome === "accepted";
    },
  };
}
