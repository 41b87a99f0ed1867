/** The search worker of pages that are no secure context, for which browsers compute no hashes. */

import "./unkept-subtle.js";
import "felsic/worker-search.js";
