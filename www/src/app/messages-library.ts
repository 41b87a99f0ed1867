/** What the library has to say, in the languages of the page. */

export const en = {
  "library.problem.quota":
    "There is no room left on this machine for the page. Delete something, or free disk space, and then continue.",
  "library.problem.damaged":
    "What is stored of your library is damaged: {detail}. Delete everything, and add your files again; the files themselves are not touched.",
  "library.problem.otherModel":
    "This file’s vectors were made by another model. Load that model first, or export the file again.",
  "library.problem.work": "The work has stopped: {detail}. Continue to try again.",
  "library.problem.model": "The model could not be loaded: {detail}. You can still search by words.",
  "library.problem.import": "The file could not be imported: {detail}.",
  "library.problem.missing":
    "The folder “{source}” cannot be found. What was read of it stays; reconnect its disk, or remove it.",
  "library.problem.tooMany":
    "The folder “{source}” has more than {count} files; the others are left out. Add its folders one by one.",
  "library.problem.lost": {
    one: "The page was closed before a file was read. Add it again; it is in the list of files left out.",
    other: "The page was closed before {count} files were read. Add them again; they are in the list of files left out.",
  },
};
