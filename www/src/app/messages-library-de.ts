/** The same in German. */

import type { en } from "./messages-library.js";

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
