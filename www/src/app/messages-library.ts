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

export const de: typeof en = {
  "library.problem.quota":
    "Auf diesem Gerät ist kein Platz mehr für die Seite. Löschen Sie etwas oder schaffen Sie Speicherplatz, und fahren Sie dann fort.",
  "library.problem.damaged":
    "Die gespeicherte Bibliothek ist beschädigt: {detail}. Löschen Sie alles und fügen Sie Ihre Dateien neu hinzu; die Dateien selbst bleiben unberührt.",
  "library.problem.otherModel":
    "Die Vektoren dieser Datei stammen von einem anderen Modell. Laden Sie zuerst dieses Modell, oder exportieren Sie die Datei neu.",
  "library.problem.work": "Die Arbeit ist stehen geblieben: {detail}. Fahren Sie fort, um es noch einmal zu versuchen.",
  "library.problem.model": "Das Modell konnte nicht geladen werden: {detail}. Nach Wörtern können Sie weiter suchen.",
  "library.problem.import": "Die Datei konnte nicht importiert werden: {detail}.",
  "library.problem.missing":
    "Der Ordner „{source}“ ist nicht zu finden. Was daraus gelesen wurde, bleibt; schließen Sie seinen Datenträger an, oder entfernen Sie ihn.",
  "library.problem.tooMany":
    "Der Ordner „{source}“ hat mehr als {count} Dateien; die übrigen fehlen. Fügen Sie seine Unterordner einzeln hinzu.",
  "library.problem.lost": {
    one: "Die Seite wurde geschlossen, bevor eine Datei gelesen war. Fügen Sie sie neu hinzu; sie steht in der Liste der ausgelassenen Dateien.",
    other:
      "Die Seite wurde geschlossen, bevor {count} Dateien gelesen waren. Fügen Sie sie neu hinzu; sie stehen in der Liste der ausgelassenen Dateien.",
  },
};
