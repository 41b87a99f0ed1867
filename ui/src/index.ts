/** What the page and the extension look like: components and style. */

export {};
