/** Why the find bar could not be opened, for the panel: a key of `chrome.storage.session`, which is in memory and ends with the browser. */
export const PROBLEM = "find-problem";
