export function packagesOf(modules: Iterable<string>): string[];
export function noticesOf(folders: Iterable<string>): string;
