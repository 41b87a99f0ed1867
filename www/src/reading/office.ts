/** What the formats of Office share: relations between parts, and the title that a document carries. */

import { Refused, type Work } from "./work.js";
import { readXml } from "./xml.js";
import type { Entry, Zip } from "./zip.js";

/** Where a part's relations lead to. */
export interface Relation {
  readonly type: string;
  readonly target: string;
}

/** Returns the relations of a part by their ids; without any, none. */
export async function relations(zip: Zip, part: string, work: Work): Promise<Map<string, Relation>> {
  const found = new Map<string, Relation>();
  const slash = part.lastIndexOf("/") + 1;
  const entry = zip.find(`${part.slice(0, slash)}_rels/${part.slice(slash)}.rels`);
  if (!entry) return found;
  await readXml(zip, entry, work, {
    open(name, attributes) {
      const [id, type, target] = [attributes["Id"], attributes["Type"], attributes["Target"]];
      if (name !== "Relationship" || attributes["TargetMode"] === "External" || id === undefined || target === undefined) return;
      found.set(id, { type: type?.slice(type.lastIndexOf("/") + 1) ?? "", target: resolved(part, target) });
    },
  });
  return found;
}

/** Returns the part that a document begins with. @param usual its name where the relations do not lead to it */
export async function mainPart(zip: Zip, usual: string, work: Work): Promise<Entry> {
  const root = [...(await relations(zip, "", work)).values()].find(({ type }) => type === "officeDocument")?.target;
  const entry = zip.find(root ?? usual) ?? zip.find(usual);
  if (!entry) throw new Refused("damaged", `it has no ${usual}`);
  return entry;
}

/** Returns the name of a part that another part names, relative to it. */
export function resolved(part: string, target: string): string {
  const names = target.startsWith("/") ? [] : part.split("/").slice(0, -1);
  for (const name of target.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names.join("/");
}

/** Returns the text of the first element of this name, such as a document's title. */
export async function firstText(zip: Zip, part: string, element: string, work: Work): Promise<string | undefined> {
  const entry = zip.find(part);
  if (!entry) return undefined;
  let [text, isInside, isOver] = ["", false, false];
  try {
    await readXml(zip, entry, work, {
      open: (name) => void (isInside = !isOver && name === element),
      text: (words) => void (isInside && (text += words.slice(0, 2000))),
      close(name) {
        if (isInside && name === element) isOver = true;
        isInside = false;
      },
    });
  } catch (error) {
    // A title is worth no document; what is spent or unwanted shows again.
    work.signal.throwIfAborted();
  }
  return text === "" ? undefined : text;
}
