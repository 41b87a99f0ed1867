/** The words of the map. `{name}` is a value. */

export const en = {
  "atlas.title": "Map",
  "atlas.stage": "Map of the documents: those that are alike are near each other",
  "atlas.keys":
    "Arrow keys move the map, plus and minus zoom, 0 shows everything. Enter opens the document in the middle, Escape ends a selection. The clusters beside the map have the same documents as a list.",
  "atlas.zoom-in": "Zoom in",
  "atlas.zoom-out": "Zoom out",
  "atlas.whole": "Show everything",
  "atlas.choose": "Select an area",
  "atlas.choose-help": "Draw around documents. With a mouse, Shift and dragging does the same.",
  "atlas.anew": "Arrange anew",
  "atlas.anew-help":
    "Arranges all documents anew. Until then, new documents are placed among the others, which stay where they are.",
  "atlas.empty": "No documents yet",
  "atlas.empty-help": "When you have added some, they are here: those that are alike are near each other.",
  "atlas.working": "Documents are being arranged …",
  "atlas.stop": "Stop",
  "atlas.stopped": "The map has not been made",
  "atlas.start": "Make the map",
  "atlas.failed": "The map could not be made: {message}",
  "atlas.no-canvas":
    "This browser cannot draw the map (it has no WebGL2). Here are the clusters instead: documents that are alike, with the words that set them apart.",
  "atlas.documents": { one: "{count} document", other: "{count} documents" },
  "atlas.not-placed": {
    one: "{count} document is not on the map: it has no text, or its meaning is still being read.",
    other: "{count} documents are not on the map: they have no text, or their meaning is still being read.",
  },
  "atlas.chosen": { one: "{count} document selected", other: "{count} documents selected" },
  "atlas.give-up": "End selection",
  "atlas.clusters": "Clusters",
  "atlas.clusters-help": "Documents that are alike, with the words that set them apart.",
  "atlas.nameless": "Various",
  "atlas.first-documents": "The documents nearest to the middle of this cluster",
  "atlas.query": "The query",
} as const;

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
