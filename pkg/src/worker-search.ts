/** The search worker. */

import * as search from "./felsic_search.js";
import { serveSearch } from "./search/server.js";

serveSearch(self, search, "felsic_search_bg.wasm");
