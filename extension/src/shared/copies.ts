/** The folder of the private file system that copies of the memory pass through, between the engine and a view. */
export const COPIES = "copies";

/** How long a view has to save a copy before it is removed, in milliseconds: the browser reads the file after the click. */
export const SAVING = 60_000;
