/** Which files are read, by the endings of their names, and what they are. What they really are, their bytes say. */

import type { DocumentKind } from "felsic/search";
import type { FileKind } from "./types.js";

/** What a file of an ending is: what a person calls it, and how its text is cut. */
interface Format {
  readonly kind: FileKind;
  /** `undefined` for what is no text as it is. */
  readonly cut?: DocumentKind;
}

const FORMATS = new Map<string, Format>();

function add(endings: string, kind: FileKind, cut?: DocumentKind): void {
  for (const ending of endings.split(" ")) FORMATS.set(ending, { kind, ...(cut && { cut }) });
}

add("txt text log rst adoc asciidoc org tex srt vtt ics vcf nfo", "text", "text");
add("md markdown mdown mkd mdx qmd rmd", "markdown", "markdown");
add("ipynb", "markdown", "markdown");
add("html htm xhtml xht mht mhtml", "page", "html");
add("csv tsv tab", "table", "csv");
add("xlsx xlsm xltx ods ots", "table");
add("json jsonl ndjson geojson webmanifest", "data", "json");
add("xml yaml yml toml ini cfg conf properties plist rdf atom rss opml bib", "data", "code");
add("js mjs cjs jsx ts mts cts tsx vue svelte astro css scss sass less graphql gql", "code", "code");
add("py pyi rb php pl pm lua r jl swift kt kts java scala groovy gradle clj cljs edn dart", "code", "code");
add("c h cc cpp cxx hpp hh hxx cs fs fsx vb go rs zig nim d m mm asm s wgsl glsl hlsl cu cl", "code", "code");
add("hs lhs ml mli ex exs erl hrl elm lisp el scm rkt f f90 f95 for pas adb ads sol v vhd tcl", "code", "code");
add("sh bash zsh fish ps1 bat cmd sql proto thrift tf nix cmake mk patch diff tla lean", "code", "code");
add("pdf", "pdf");
add("docx docm dotx odt ott rtf", "document");
add("pptx pptm ppsx potx odp otp", "slides");
add("epub", "book");
add("eml mbox", "mail");

/** Names that say what a file is without an ending. */
const NAMES =
  /^(?:dockerfile|containerfile|makefile|gnumakefile|cmakelists\.txt|rakefile|gemfile|justfile|vagrantfile|procfile|jenkinsfile|\.(?:gitignore|gitattributes|editorconfig|bashrc|zshrc|profile|vimrc|npmrc))$/i;

/** Endings of archives, whose parts are read. */
const ARCHIVES = ["zip", "gz"];

/** The endings of all files that are read, with their dots. */
export const ENDINGS: readonly string[] = [...FORMATS.keys(), ...ARCHIVES].map((ending) => `.${ending}`);

/** What a file picker shows: the value of `accept`. */
export const ACCEPT: string = ENDINGS.join(",");

/** Returns the ending of a path in small letters, without its dot; empty if there is none. */
export function endingOf(path: string): string {
  const name = nameOf(path);
  const dot = name.lastIndexOf(".");
  return dot > 0 ? name.slice(dot + 1).toLowerCase() : "";
}

/** Returns the name of the file that a path leads to. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Returns what a file is by its name; `undefined` for archives, and if the name does not say it. */
export function kindOf(path: string): FileKind | undefined {
  return formatOf(path)?.kind;
}

/** Returns what a file is by its name. */
export function formatOf(path: string): Format | undefined {
  if (NAMES.test(nameOf(path))) return { kind: "code", cut: "code" };
  return FORMATS.get(endingOf(path));
}

/** Whether a name says that there are parts in the file. */
export function isArchive(path: string): boolean {
  return ARCHIVES.includes(endingOf(path));
}
