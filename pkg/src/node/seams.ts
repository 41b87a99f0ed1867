/** Checks, when types are checked, that each module for Node has what the page's module has that it stands for. */

import type * as pageStart from "../start.js";
import type * as pagePlatform from "../platform.js";
import type * as pageCaches from "../store/caches.js";
import type * as pageWorkers from "../workers.js";
import * as caches from "./caches.js";
import * as platform from "./platform.js";
import * as start from "./start.js";
import * as workers from "./workers.js";

platform satisfies typeof pagePlatform;
start satisfies typeof pageStart;
caches satisfies Omit<typeof pageCaches, "openCache">;
workers satisfies typeof pageWorkers;
