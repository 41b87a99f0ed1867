/** The folder of the private file system that copies of the memory pass through, between the engine and a view. */
export const COPIES = "copies";
