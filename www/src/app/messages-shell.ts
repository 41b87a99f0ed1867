/** What the app's shell says: use without a network, new versions, installing, sharing, the chosen host, the list of requests. */

export const en = {
  "shell.offline.ready": "Works without a network",
  "shell.offline.ready.help": "The page, its model and its engine are kept on this device.",
  "shell.offline.no": "Not yet available without a network",
  "shell.offline.no.help": "The page keeps its files on this device once its model is there. Private windows may not allow that.",
  "shell.update": "A new version is ready.",
  "shell.update.apply": "Reload with the new version",
  "shell.update.help": "Every open tab of this page reloads. Work that is under way goes on afterwards.",
  "shell.install": "Install as an app",
  "shell.shared.failed": "What another app shared could not be taken over. There may be no space left on this device.",
  "shell.host.own": "This page may ask nobody but its own host.",
  "shell.host.chosen": "This page may ask its own host and {host}, where the model comes from.",
  "shell.host.choose": "Allow {host} and reload",
  "shell.host.choose.help":
    "The model comes from {host}. The browser keeps this page from asking any other host, so the page has to reload to allow it. Your files and queries are not sent there.",
  "shell.host.forget": "Allow this page’s own host only, and reload",
  "shell.host.refused": "Models can only come from addresses that begin with https://, or from this device.",
  "shell.requests": "Network requests",
  "shell.requests.none": "No request has left this page since the model was there.",
  "shell.requests.some": {
    one: "One request has left this page since the model was there.",
    other: "{count} requests have left this page since the model was there.",
  },
  "shell.requests.all":
    "The list has what this page, its workers and other tabs of it have asked for. The page’s own files are listed and not counted.",
  "shell.requests.page":
    "The list has what the page itself asked for, but not what its workers did. Reload once the page works without a network, and it has all. The page’s own files are listed and not counted.",
  "shell.requests.later":
    "The list has what the page and its workers asked for since the page works without a network, and before that, what the page itself did. Reload for the whole list. The page’s own files are listed and not counted.",
  "shell.requests.browser": "The browser itself asks the page’s host for a new version when the page is opened.",
  "shell.requests.url": "Address",
  "shell.requests.by": "Asked by",
  "shell.requests.by.page": "page",
  "shell.requests.by.worker": "worker",
  "shell.requests.by.app": "for use without a network",
  "shell.requests.bytes": "Size",
  "shell.requests.bytes.unknown": "not known",
  "shell.requests.when": "Time",
  "shell.requests.from": "From",
  "shell.requests.from.network": "network",
  "shell.requests.from.cache": "this device",
};
