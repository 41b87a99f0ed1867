/** The worker of pdf.js, as a script that every server gives the right type; see `pdfjs.ts` for which build it is. */

import "pdfjs-dist/legacy/build/pdf.worker.min.mjs";
