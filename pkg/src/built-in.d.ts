/** The built-in model, which build.mjs writes: its files lie in dist/model. */

/** What bundlers have made of the URL of each file, by its name. */
export declare const urls: Readonly<Record<string, () => URL>>;
/** Of its manifest. */
export declare const integrity: string;
