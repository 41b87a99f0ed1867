/** The licences of the npm packages whose code is in a build. */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The folder of the package that a module belongs to. */
const PACKAGE = /^(.*[\\/]node_modules[\\/](?:@[^\\/]+[\\/])?[^\\/]+)[\\/]/;

/**
 * Returns the folders of the packages that modules belong to, in order and each once; modules of the project itself are in none.
 *
 * @param {Iterable<string>} modules their paths
 * @returns {string[]}
 */
export function packagesOf(modules) {
  const folders = [...modules].map((id) => PACKAGE.exec(id.replace(/^\0/, ""))?.[1]);
  return [...new Set(folders.filter((folder) => folder !== undefined && existsSync(join(folder, "package.json"))))].sort();
}

/**
 * Returns the notices of packages, one after another. A package without a licence in its `package.json` is an error.
 *
 * @param {Iterable<string>} folders
 * @returns {string}
 */
export function noticesOf(folders) {
  return [...folders].map(notice).join("");
}

/** @param {string} folder */
function notice(folder) {
  const { name, version, license, author, repository } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  if (!license) throw new Error(`${name} names no licence`);
  const file = readdirSync(folder).find((entry) => /^licen[cs]e(\.(md|txt))?$/i.test(entry));
  const who = typeof author === "object" ? author?.name : author;
  const where = typeof repository === "object" ? repository?.url : repository;
  const text = file
    ? readFileSync(join(folder, file), "utf8").trim()
    : [who && `Copyright ${who}`, where].filter(Boolean).join("\n");
  return `\n${"-".repeat(80)}\n${name} ${version}: ${license}\n\n${text}\n`;
}
