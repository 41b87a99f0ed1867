/** Words and pictures for what the library tells. */

import type { IconName } from "felsic-ui";
import type { Problem } from "../library/types.js";
import type { FileKind, RefusalCode } from "../reading/types.js";
import { isMessage, type MessageKey, t } from "./messages/index.js";

export const KIND_ICONS: Readonly<Record<FileKind, IconName>> = {
  text: "text",
  markdown: "text",
  page: "page",
  table: "table",
  data: "code",
  code: "code",
  pdf: "file",
  document: "text",
  slides: "slides",
  book: "book",
  mail: "mail",
};

export const kindName = (kind: FileKind): string => t(`kind.${kind}`);
export const refusalReason = (code: RefusalCode): string => t(`refused.${code}`);

/** Returns what a problem says; one that the table does not know shows its code. */
export function problemText({ message, values = {}, code }: Problem): string {
  const key: MessageKey = isMessage(message) ? message : "problem.unknown";
  return t(key, { reason: code ?? message, ...values });
}

/** Returns the last part of a path. */
export const fileName = (path: string): string => path.slice(path.lastIndexOf("/") + 1);
