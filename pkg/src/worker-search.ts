/** The search worker. */

import start, { Cutter, Rows } from "./felsic_search.js";
import { serveSearch } from "./search/server.js";

serveSearch(self, { default: start, Cutter, Rows }, "felsic_search_bg.wasm");
