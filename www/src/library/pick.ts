/** Lets a person pick a folder. */

/** Returns the folder, or its files where the browser gives no more; `undefined` if the person has picked none. */
export async function pickFolder(): Promise<FileSystemDirectoryHandle | FileList | undefined> {
  if (typeof showDirectoryPicker !== "function") return pickFiles();
  try {
    return await showDirectoryPicker({ id: "felsic", mode: "read" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") return undefined;
    throw error;
  }
}

function pickFiles(): Promise<FileList | undefined> {
  const input = document.createElement("input");
  input.type = "file";
  input.webkitdirectory = true;
  return new Promise((resolve) => {
    input.addEventListener("change", () => resolve(input.files ?? undefined));
    input.addEventListener("cancel", () => resolve(undefined));
    input.click();
  });
}
