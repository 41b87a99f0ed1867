/** The words of the map. `{name}` is a value. */

export const en = {
  "map.title": "Map",
  "map.stage": "Map of the documents: those that are alike are near each other",
  "map.keys":
    "Arrow keys move the map, plus and minus zoom, 0 shows everything. Enter opens the document in the middle, Escape ends a selection. The clusters beside the map have the same documents as a list.",
  "map.zoom-in": "Zoom in",
  "map.zoom-out": "Zoom out",
  "map.whole": "Show everything",
  "map.choose": "Select an area",
  "map.choose-help": "Draw around documents. With a mouse, Shift and dragging does the same.",
  "map.anew": "Arrange anew",
  "map.anew-help":
    "Arranges all documents anew. Until then, new documents are placed among the others, which stay where they are.",
  "map.empty": "No documents yet",
  "map.empty-help": "When you have added some, they are here: those that are alike are near each other.",
  "map.working": "Documents are being arranged …",
  "map.stop": "Stop",
  "map.stopped": "The map has not been made",
  "map.start": "Make the map",
  "map.failed": "The map could not be made: {message}",
  "map.no-canvas":
    "This browser cannot draw the map (it has no WebGL2). Here are the clusters instead: documents that are alike, with the words that set them apart.",
  "map.documents.one": "{count} document",
  "map.documents.other": "{count} documents",
  "map.not-placed.one": "{count} document is not on the map: it has no text, or its meaning is still being read.",
  "map.not-placed.other": "{count} documents are not on the map: they have no text, or their meaning is still being read.",
  "map.chosen.one": "{count} document selected",
  "map.chosen.other": "{count} documents selected",
  "map.give-up": "End selection",
  "map.clusters": "Clusters",
  "map.clusters-help": "Documents that are alike, with the words that set them apart.",
  "map.nameless": "Various",
  "map.first-documents": "The documents nearest to the middle of this cluster",
  "map.query": "The query",
} as const;

export const de: Readonly<Record<keyof typeof en, string>> = {
  "map.title": "Karte",
  "map.stage": "Karte der Dokumente: Was sich ähnelt, liegt beieinander",
  "map.keys":
    "Pfeiltasten verschieben die Karte, Plus und Minus zoomen, 0 zeigt alles. Die Eingabetaste öffnet das Dokument in der Mitte, Escape hebt eine Auswahl auf. Die Gruppen neben der Karte enthalten dieselben Dokumente als Liste.",
  "map.zoom-in": "Vergrößern",
  "map.zoom-out": "Verkleinern",
  "map.whole": "Alles zeigen",
  "map.choose": "Bereich auswählen",
  "map.choose-help": "Ziehen Sie eine Linie um Dokumente. Mit der Maus geht das auch mit gedrückter Umschalttaste.",
  "map.anew": "Neu anordnen",
  "map.anew-help":
    "Ordnet alle Dokumente neu an. Bis dahin kommen neue Dokumente zwischen die anderen, die an ihrem Platz bleiben.",
  "map.empty": "Noch keine Dokumente",
  "map.empty-help": "Sobald Sie welche hinzugefügt haben, stehen sie hier: Was sich ähnelt, liegt beieinander.",
  "map.working": "Dokumente werden angeordnet …",
  "map.stop": "Anhalten",
  "map.stopped": "Die Karte ist nicht fertig geworden",
  "map.start": "Karte erstellen",
  "map.failed": "Die Karte konnte nicht erstellt werden: {message}",
  "map.no-canvas":
    "Dieser Browser kann die Karte nicht zeichnen (er hat kein WebGL2). Hier sind stattdessen die Gruppen: ähnliche Dokumente, mit den Wörtern, die sie von anderen unterscheiden.",
  "map.documents.one": "{count} Dokument",
  "map.documents.other": "{count} Dokumente",
  "map.not-placed.one": "{count} Dokument steht nicht auf der Karte: Es hat keinen Text, oder seine Bedeutung wird noch gelesen.",
  "map.not-placed.other":
    "{count} Dokumente stehen nicht auf der Karte: Sie haben keinen Text, oder ihre Bedeutung wird noch gelesen.",
  "map.chosen.one": "{count} Dokument ausgewählt",
  "map.chosen.other": "{count} Dokumente ausgewählt",
  "map.give-up": "Auswahl aufheben",
  "map.clusters": "Gruppen",
  "map.clusters-help": "Ähnliche Dokumente, mit den Wörtern, die sie von anderen unterscheiden.",
  "map.nameless": "Verschiedenes",
  "map.first-documents": "Die Dokumente, die der Mitte dieser Gruppe am nächsten sind",
  "map.query": "Die Suche",
};
