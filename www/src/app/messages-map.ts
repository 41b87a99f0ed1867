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
