/** The built-in model, which build.mjs writes: its files lie in dist/model. */

/** The URL of each file, by its name. */
export declare const urls: Readonly<Record<string, string>>;
/** Of its manifest. */
export declare const integrity: string;
