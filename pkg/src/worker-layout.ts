/** The layout worker. */

import { serveLayout } from "./search/layout-server.js";

serveLayout(self);
