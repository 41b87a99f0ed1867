/** The built-in model. build.mjs writes this module; the model's files are in dist/model. */

/** The URL of each file, as bundlers have rewritten it, by the file's name. */
export declare const urls: Readonly<Record<string, () => URL>>;
/** The `integrity` of its manifest. */
export declare const integrity: string;
