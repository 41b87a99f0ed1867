/** How much is read: whoever made a file may have meant harm, and a phone has little memory. */

/** The most characters of a document, which is what a collection takes. */
export const LONGEST_TEXT = 1 << 24;
/** The most bytes of a file of text: in every encoding, more would be too long a document. */
export const MOST_TEXT_BYTES = 4 * LONGEST_TEXT;
/** The most bytes of a PDF, which is in memory as a whole. */
export const MOST_PDF_BYTES = 1 << 28;
/** The most bytes of an archive's part, unpacked. */
export const MOST_PART_BYTES = 1 << 28;
/** The most bytes of one XML file of a document, unpacked; they are never in memory together. */
export const MOST_XML_BYTES = 1 << 27;
/** The most bytes of a message with its attachments. */
export const MOST_MESSAGE_BYTES = 1 << 26;
/** How deep elements of XML may be: real documents stay below a hundred. */
export const DEEPEST_XML = 1000;

/** The most bytes that a file unpacks to, with the archives in it. */
export const MOST_UNPACKED = 1 << 30;
/** No real file is packed better, but for small ones, which {@link LEAST_UNPACKED} is for. */
export const MOST_RATIO = 200;
/** What a file may unpack to, however small it is. */
export const LEAST_UNPACKED = 1 << 26;
/** The most parts of an archive, with those of archives in it. */
export const MOST_PARTS = 20_000;
/** How often an archive may be in an archive. */
export const DEEPEST_ARCHIVE = 2;
/** The most bytes of an archive's list of parts. */
export const MOST_DIRECTORY_BYTES = 1 << 26;

/** The most parts of a document that are told one by one where they cannot be read. */
export const MOST_TOLD = 20;
/** The longest title: longer ones are no titles. */
export const LONGEST_TITLE = 300;
/** The most characters that a path may have, which is what an id may have less a source's name. */
export const LONGEST_PATH = 900;
