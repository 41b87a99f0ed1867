/** Saves what is made bit by bit as a file. */

/** Milliseconds after which what a download was made of is let go. */
const A_WHILE = 60_000;

/** Saves it where the person chooses, or as a download where the browser has no such picker. Rejects with an `AbortError` if the person chooses nothing. */
export async function save(make: () => ReadableStream<Uint8Array<ArrayBuffer>>, name: string): Promise<void> {
  const pick = (globalThis as { showSaveFilePicker?: typeof showSaveFilePicker }).showSaveFilePicker;
  if (pick) {
    const handle = await pick({ suggestedName: name });
    await make().pipeTo(await handle.createWritable());
    return;
  }
  const url = URL.createObjectURL(await new Response(make()).blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), A_WHILE);
}
