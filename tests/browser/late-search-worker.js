/** The search worker, to which news of other tabs come late, as on a machine that is busy. */

// The package's own file, which the server shows in the same folder.
// @ts-ignore
import "./worker-search.js";
import { receiveNews } from "./news.js";

/** Milliseconds; reading what is new takes a few. */
const LATE = 300;

receiveNews((event, hear) => setTimeout(hear, LATE, event));
