/** The search worker, which cannot read its storage for a moment whenever another tab has news, as where another program reads the files. */

// The package's own file, which the server shows in the same folder.
// @ts-ignore
import "./worker-search.js";
import { receiveNews } from "./news.js";

/** Milliseconds. */
const MOMENT = 700;

let until = -Infinity;
receiveNews((event, hear) => {
  until = performance.now() + MOMENT;
  hear(event);
});

const { getFile } = FileSystemFileHandle.prototype;
FileSystemFileHandle.prototype.getFile = async function () {
  if (performance.now() < until) throw new DOMException("another program reads the file", "NotReadableError");
  return getFile.call(this);
};
