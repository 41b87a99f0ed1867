/** Whether the browser keeps files for this page. */

/**
 * Resolves to whether there are private files, in which collections are. A page that did not come by HTTPS has none, nor has one in a private
 * window of some browsers, which reject only when they are asked.
 */
export const canKeep: () => Promise<boolean> = () => (asked ??= ask());

let asked: Promise<boolean> | undefined;

async function ask(): Promise<boolean> {
  if (!isSecureContext) return false;
  try {
    await navigator.storage.getDirectory();
    return true;
  } catch {
    return false;
  }
}
