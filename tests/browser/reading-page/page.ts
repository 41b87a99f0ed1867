/** What tests call of the reading of files, built as the page is. */

import { Reader } from "../../../www/src/reading/index.js";

Object.assign(globalThis, { Reader, pdfPage: () => import("../../../www/src/reading/pdf-page.js") });
