/** The worker of pdf.js, as a script that every server gives the right type. */

import "pdfjs-dist/build/pdf.worker.min.mjs";
