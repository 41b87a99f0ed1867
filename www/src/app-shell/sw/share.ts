/** What other apps share with this one waits in a database until a page takes it. */

import { update } from "idb-keyval";
import { briefStore } from "../../brief-store.js";
import { SHARE_LOST, SHARE_PATH, SHARE_WAITS, SHARED_DATABASE, SHARED_KEY, SHARED_STORE, type Shared } from "../protocol.js";
import { base } from "./scope.js";

/** The most things that wait; the oldest go first. */
const MOST = 20;

/** Whether a request brings something that another app shares. */
export function isShare({ method, url }: Request): boolean {
  return method === "POST" && url === base + SHARE_PATH;
}

/** Puts aside what was shared, and sends the browser to the page. */
export async function takeShare(request: Request): Promise<Response> {
  const outcome = await putAside(request).then(
    () => SHARE_WAITS,
    () => SHARE_LOST,
  );
  return Response.redirect(`${base}?${outcome}`, 303);
}

async function putAside(request: Request): Promise<void> {
  const form = await request.formData();
  const text = (name: string) => {
    const value = form.get(name);
    return typeof value === "string" && value !== "" ? { [name]: value } : {};
  };
  const files = form.getAll("files").filter((entry) => entry instanceof File && (entry.size > 0 || entry.name !== ""));
  const shared: Shared = { ...text("title"), ...text("text"), ...text("url"), files: files as File[] };
  const waiting = (list: readonly Shared[] = []) => [...list, shared].slice(-MOST);
  await update<readonly Shared[]>(SHARED_KEY, waiting, briefStore(SHARED_DATABASE, SHARED_STORE));
}
