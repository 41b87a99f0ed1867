/** The same in German. */

import type { en } from "./messages-map.js";

export const de: {
  readonly [Key in keyof typeof en]: (typeof en)[Key] extends string ? string : { one: string; other: string };
} = {
  "atlas.title": "Karte",
  "atlas.stage": "Karte der Dokumente: Was sich ähnelt, liegt beieinander",
  "atlas.keys":
    "Pfeiltasten verschieben die Karte, Plus und Minus zoomen, 0 zeigt alles. Die Eingabetaste öffnet das Dokument in der Mitte, Escape hebt eine Auswahl auf. Die Gruppen neben der Karte enthalten dieselben Dokumente als Liste.",
  "atlas.zoom-in": "Vergrößern",
  "atlas.zoom-out": "Verkleinern",
  "atlas.whole": "Alles zeigen",
  "atlas.choose": "Bereich auswählen",
  "atlas.choose-help": "Ziehen Sie eine Linie um Dokumente. Mit der Maus geht das auch mit gedrückter Umschalttaste.",
  "atlas.anew": "Neu anordnen",
  "atlas.anew-help":
    "Ordnet alle Dokumente neu an. Bis dahin kommen neue Dokumente zwischen die anderen, die an ihrem Platz bleiben.",
  "atlas.empty": "Noch keine Dokumente",
  "atlas.empty-help": "Sobald Sie welche hinzugefügt haben, stehen sie hier: Was sich ähnelt, liegt beieinander.",
  "atlas.working": "Dokumente werden angeordnet …",
  "atlas.stop": "Anhalten",
  "atlas.stopped": "Die Karte ist nicht fertig geworden",
  "atlas.start": "Karte erstellen",
  "atlas.failed": "Die Karte konnte nicht erstellt werden: {message}",
  "atlas.no-canvas":
    "Dieser Browser kann die Karte nicht zeichnen (er hat kein WebGL2). Hier sind stattdessen die Gruppen: ähnliche Dokumente, mit den Wörtern, die sie von anderen unterscheiden.",
  "atlas.documents": { one: "{count} Dokument", other: "{count} Dokumente" },
  "atlas.not-placed": {
    one: "{count} Dokument steht nicht auf der Karte: Es hat keinen Text, oder seine Bedeutung wird noch gelesen.",
    other: "{count} Dokumente stehen nicht auf der Karte: Sie haben keinen Text, oder ihre Bedeutung wird noch gelesen.",
  },
  "atlas.chosen": { one: "{count} Dokument ausgewählt", other: "{count} Dokumente ausgewählt" },
  "atlas.give-up": "Auswahl aufheben",
  "atlas.clusters": "Gruppen",
  "atlas.clusters-help": "Ähnliche Dokumente, mit den Wörtern, die sie von anderen unterscheiden.",
  "atlas.nameless": "Verschiedenes",
  "atlas.first-documents": "Die Dokumente, die der Mitte dieser Gruppe am nächsten sind",
  "atlas.query": "Die Suche",
};
