/** The same in German. */

import type { en } from "./messages-bench.js";

export const de: {
  readonly [Key in keyof typeof en]: (typeof en)[Key] extends string ? string : { one: string; other: string };
} = {
  "bench.back": "Private Suche",
  "bench.title": "Benchmark",
  "bench.lead": "Wie schnell felsic in diesem Browser und auf diesem Gerät Text in Vektoren verwandelt. Nichts verlässt es.",
  "bench.measure": "Messen",
  "bench.what":
    "Jede Engine wird {loads}-mal geladen. Dann beantworten die Engines abwechselnd {queries} kurze Anfragen und {batches} Aufrufe mit je {passages} Abschnitten, vorher einige mit weniger. Schließen Sie andere Tabs, damit die Werte nicht schwanken.",
  "bench.host":
    "Das Modell {model} kommt von {host}. Es wird von dort geladen, sobald Sie beginnen, und auf diesem Gerät aufbewahrt.",
  "bench.start": "Beginnen",
  "bench.start-download": "Herunterladen und beginnen",
  "bench.stop": "Anhalten",
  "bench.stopped": "Angehalten.",
  "bench.done": "Fertig.",
  "bench.failed": "Die Messung ist gescheitert: {message}",
  "bench.progress": "Fortschritt der Messung",
  "bench.step.loading": "Wird geladen: {engine}",
  "bench.step.warming": "Ein Lauf, der nicht zählt",
  "bench.step.queries": "Kurze Anfragen",
  "bench.step.sizes": "Wenige Abschnitte auf einmal",
  "bench.step.batches": "Abschnitte",
  "bench.engine.cpu": "CPU, ein Worker",
  "bench.engine.cpu-workers": "CPU, alle Worker",
  "bench.engine.webgpu": "WebGPU",
  "bench.engine.transformers": "transformers.js",
  "bench.about": { one: "{kernel}, {count} Worker", other: "{kernel}, {count} Worker" },
  "bench.results": "Ergebnisse",
  "bench.column.engine": "Engine",
  "bench.column.model": "Modell",
  "bench.column.first-load": "Erstes Laden, ms",
  "bench.column.load": "Erneutes Laden, ms",
  "bench.column.first-vector": "Bis zum ersten Vektor, ms",
  "bench.column.query": "Kurze Anfrage, ms",
  "bench.column.tokens": "Tokens pro Sekunde",
  "bench.column.memory": "Speicher",
  "bench.chart.tokens": "Tokens pro Sekunde: Mehr ist besser",
  "bench.chart.query": "Millisekunden einer kurzen Anfrage: Weniger ist besser",
  "bench.curves": "Tokens pro Sekunde nach der Größe eines Aufrufs",
  "bench.curves.tokens": "Tokens eines Aufrufs",
  "bench.no-figures": "{engine}: keine Werte ({message}).",
  "bench.rules":
    "Alle Werte sind Mediane. Das erste Laden enthält, was noch heruntergeladen werden musste; beim erneuten Laden und beim ersten Vektor war alles schon gespeichert. Jede Engine lief einmal, ohne dass es zählte, und kein Lauf sah den Text eines anderen. Speicher ist der WebAssembly-Speicher aller Worker; der einer Grafikkarte gehört nicht dazu.",
  "bench.copy": "Als JSON kopieren",
  "bench.copied": "Kopiert.",
  "bench.not-copied": "Der Browser lässt die Seite nicht kopieren: Markieren Sie den Text darunter.",
  "bench.json": "Der Bericht als JSON",
  "bench.model": "Ein anderes Modell",
  "bench.address": "Adresse eines Packs oder Checkpoints, oder Besitzer/Name auf einem Hub",
  "bench.address-help": "Leer: das eingebaute Modell. Nichts wird heruntergeladen, bevor Sie oben beginnen.",
  "bench.choose": "Wählen",
  "bench.onnx": "ONNX-Export für transformers.js: Adresse eines Ordners, oder Besitzer/Name auf einem Hub",
  "bench.onnx-help":
    "Leer: transformers.js wird nicht gemessen. Der Ordner enthält config.json, tokenizer.json und onnx/model_quantized.onnx. Vergleichen Sie Geschwindigkeiten nur, wenn es ein Export des Modells oben ist.",
  "bench.onnx-too": "Auch transformers.js messen (lädt 27 MB eigene Dateien)",
  "bench.onnx-host": "Sein Modell {model} kommt von {host}. Es wird geladen, sobald Sie beginnen, und danach gelöscht.",
  "bench.other-model": "Ein anderes Modell als das von felsic: Vergleichen Sie die Geschwindigkeit nicht.",
  "bench.cosine": "Kosinus mit dem Vektor von felsic: {cosine}",
  "bench.cosine-far": "Der Vektor weicht von dem von felsic ab: Kosinus {cosine}.",
  "bench.others": "Andere Bibliotheken",
  "bench.others-text":
    "Vom eingebauten Modell gibt es keinen ONNX-Export, deshalb nimmt transformers.js nur mit einem Export teil, dessen Adresse Sie angeben. Ein fairer Vergleich braucht dieselben Gewichte in beiden Formaten. Dieser Befehl in felsics Repository stellt sie her und lässt felsic, transformers.js und onnxruntime-web abwechselnd in einem Browser laufen:",
};
