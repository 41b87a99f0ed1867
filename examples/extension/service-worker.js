/** Opens the offscreen document when somebody needs it, and passes messages on to it. */

const OFFSCREEN = "offscreen.html";

let opening;

/** Makes sure that there is an offscreen document; an extension can have one. */
async function open() {
  const contexts = await chrome.runtime.getContexts({ contextTypes: ["OFFSCREEN_DOCUMENT"] });
  if (contexts.length > 0) return;
  const justification = "Computes embeddings in a worker, which the service worker cannot start.";
  opening ??= chrome.offscreen.createDocument({ url: OFFSCREEN, reasons: ["WORKERS"], justification });
  await opening.finally(() => (opening = undefined));
}

chrome.runtime.onMessage.addListener((message, sender, respond) => {
  if (message.to !== "service-worker") return false;
  open()
    .then(() => chrome.runtime.sendMessage({ ...message, to: "offscreen" }))
    .then(respond, (error) => respond({ error: error.message }));
  // The answer comes later.
  return true;
});
