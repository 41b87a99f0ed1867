/** Messages: who wrote to whom and when, what, and what is attached. */

import type { Address, Email } from "postal-mime";
import PostalMime from "postal-mime";
import { addHtml, withoutData } from "./html.js";
import { LONGEST_TEXT, LONGEST_TITLE, MOST_MESSAGE_BYTES } from "./limits.js";
import { Markdown, oneLine, titleOf } from "./markdown.js";
import { Names } from "./names.js";
import type { ReadDocument, ReadResult } from "./types.js";
import { bytesOf, Memory, Refused, type Source, type Work } from "./work.js";

/** How a part of a message is read. */
export type ReadPart = (blob: Source, path: string, work: Work) => AsyncGenerator<ReadResult>;

/** Attachments that nobody looks for: pictures, signatures, what servers tell each other. */
const UNWANTED =
  /^(?:image|audio|video|font)\/|^application\/(?:pgp-signature|(?:x-)?pkcs7)|^message\/(?:delivery-status|external-body)|^text\/rfc822-headers/;

/** Reads a message and what is attached to it. */
export async function* readMail(blob: Source, path: string, work: Work, readPart: ReadPart): AsyncGenerator<ReadResult> {
  const mail = await parsed(blob, work);
  yield message(mail, path);
  const names = new Names(path);
  for (const { filename, mimeType, related, content } of mail.attachments) {
    if (related || UNWANTED.test(mimeType)) continue;
    if (typeof content === "string" || content.byteLength === 0) continue;
    work.budget.part();
    const name =
      filename ?? (mimeType === "message/rfc822" ? "message.eml" : mimeType === "text/calendar" ? "event.ics" : "attachment");
    yield* readPart(new Memory(new Uint8Array(content as ArrayBuffer)), names.of(name), work);
  }
}

/** Reads a page that a browser has saved with its pictures, as if it were a message. */
export async function readSavedPage(blob: Source, path: string, work: Work): Promise<ReadDocument> {
  const { html = "", subject } = await parsed(blob, work);
  const text = withoutData(readable(html)).trim();
  if (text === "") throw new Refused("empty", "it has no page");
  if (text.length > LONGEST_TEXT) throw new Refused("too-large", `it has ${text.length} characters`);
  const title = titleOf(subject);
  return { path, kind: "page", text, cut: "html", ...(title !== undefined && { title }) };
}

async function parsed(blob: Source, work: Work): Promise<Email> {
  if (blob.size > MOST_MESSAGE_BYTES) throw new Refused("too-large", `the message has ${blob.size} bytes`);
  const bytes = await bytesOf(blob);
  if (!/^(?:>?From [^\n]*\n)?[!-9;-~]{1,70}:[ \t\r]?/.test(String.fromCharCode(...bytes.subarray(0, 500))))
    throw new Refused("damaged", "it does not begin with the lines of a message");
  const mail = await PostalMime.parse(bytes, { rfc822Attachments: true, maxNestingDepth: 50 });
  await work.breathe();
  return mail;
}

function message(mail: Email, path: string): ReadDocument {
  const written = mail.date === undefined ? NaN : Date.parse(mail.date);
  const date = Number.isFinite(written) ? written : undefined;
  const lines = [["From", mail.from ? [mail.from] : []] as const, ["To", mail.to ?? []] as const, ["Cc", mail.cc ?? []] as const];
  const head = lines
    .filter(([, people]) => people.length > 0)
    .map(([name, people]) => `${name}: ${people.map(person).join(", ").slice(0, 2000)}`);
  if (date !== undefined) head.push(`Date: ${new Date(date).toISOString().slice(0, 16).replace("T", " ")}`);
  const subject = oneLine(mail.subject ?? "").slice(0, LONGEST_TITLE);
  const text = [subject, head.join("\n"), words(mail)].filter((part) => part !== "").join("\n\n");
  if (text === "") throw new Refused("empty", "the message has no text");
  if (text.length > LONGEST_TEXT) throw new Refused("too-large", `it has more than ${LONGEST_TEXT} characters`);
  return {
    path,
    kind: "mail",
    text,
    cut: "text",
    ...(subject !== "" && { title: subject }),
    ...(date !== undefined && { date }),
  };
}

/** The text that its writer gave; the page that it was made of, if there is no other. */
function words({ text = "", html = "" }: Email): string {
  const plain = readable(text.replace(/\r\n?/g, "\n")).trim();
  if (plain !== "" || html === "") return plain;
  const document = new Markdown("plain");
  addHtml(readable(html), document, { tables: false });
  return document.isEmpty ? "" : document.finish().text;
}

/** A text without stray control characters; a message whose text is none is refused. */
function readable(text: string): string {
  const clean = text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/g, "");
  if (text.length - clean.length > 2 + text.length / 50) throw new Refused("binary", "its text is none");
  return clean;
}

function person({ name, address, group }: Address): string {
  if (group) return `${name}: ${group.map(person).join(", ")}`;
  return name === "" || name === address
    ? (address ?? "")
    : address === undefined || address === ""
      ? name
      : `${name} <${address}>`;
}
