/** The same in German. */

import type { en } from "./messages-shell.js";

export const de: typeof en = {
  "shell.offline.ready": "Funktioniert ohne Netz",
  "shell.offline.ready.help": "Die Seite, ihr Modell und ihr Rechenwerk liegen auf diesem Gerät.",
  "shell.offline.no": "Noch nicht ohne Netz verfügbar",
  "shell.offline.no.help":
    "Die Seite legt ihre Dateien auf diesem Gerät ab, sobald das Modell da ist. Private Fenster erlauben das nicht immer.",
  "shell.update": "Eine neue Version ist bereit.",
  "shell.update.apply": "Mit der neuen Version neu laden",
  "shell.update.help": "Alle offenen Tabs dieser Seite werden neu geladen. Laufende Arbeit geht danach weiter.",
  "shell.install": "Als App installieren",
  "shell.shared.failed":
    "Was eine andere App geteilt hat, konnte nicht übernommen werden. Vielleicht ist auf diesem Gerät kein Platz mehr.",
  "shell.host.own": "Diese Seite darf nur ihren eigenen Server fragen.",
  "shell.host.chosen": "Diese Seite darf ihren eigenen Server fragen und {host}, woher das Modell kommt.",
  "shell.host.choose": "{host} erlauben und neu laden",
  "shell.host.choose.help":
    "Das Modell kommt von {host}. Der Browser hindert diese Seite daran, andere Server zu fragen; um diesen zu erlauben, muss sie neu laden. Ihre Dateien und Suchanfragen werden nicht dorthin gesendet.",
  "shell.host.forget": "Nur den eigenen Server dieser Seite erlauben und neu laden",
  "shell.host.refused": "Modelle können nur von Adressen kommen, die mit https:// beginnen, oder von diesem Gerät.",
  "shell.requests": "Netzwerkanfragen",
  "shell.requests.none": "Seit das Modell da ist, hat keine Anfrage diese Seite verlassen.",
  "shell.requests.some": {
    one: "Seit das Modell da ist, hat eine Anfrage diese Seite verlassen.",
    other: "Seit das Modell da ist, haben {count} Anfragen diese Seite verlassen.",
  },
  "shell.requests.all":
    "Die Liste enthält, was diese Seite, ihre Worker und andere Tabs von ihr angefragt haben. Die Dateien der Seite selbst stehen in der Liste und zählen nicht.",
  "shell.requests.page":
    "Die Liste enthält, was die Seite selbst angefragt hat, nicht aber die Anfragen ihrer Worker. Laden Sie neu, sobald die Seite ohne Netz funktioniert; dann enthält sie alles. Die Dateien der Seite selbst stehen in der Liste und zählen nicht.",
  "shell.requests.later":
    "Die Liste enthält, was Seite und Worker angefragt haben, seit die Seite ohne Netz funktioniert, und aus der Zeit davor, was die Seite selbst angefragt hat. Laden Sie neu, um alles zu sehen. Die Dateien der Seite selbst stehen in der Liste und zählen nicht.",
  "shell.requests.browser": "Der Browser selbst fragt beim Öffnen den Server dieser Seite nach einer neuen Version.",
  "shell.requests.url": "Adresse",
  "shell.requests.by": "Gefragt von",
  "shell.requests.by.page": "Seite",
  "shell.requests.by.worker": "Worker",
  "shell.requests.by.app": "für den Gebrauch ohne Netz",
  "shell.requests.bytes": "Größe",
  "shell.requests.bytes.unknown": "nicht bekannt",
  "shell.requests.when": "Zeit",
  "shell.requests.from": "Von",
  "shell.requests.from.network": "Netz",
  "shell.requests.from.cache": "diesem Gerät",
};
