/** Which documents are searched. */

import { Chip, FilterChip } from "felsic-ui";
import { useMemo } from "preact/hooks";
import { useApp } from "./context.js";
import { t } from "./messages/index.js";
import { fileName, kindName } from "./names.js";
import { FILE_KINDS, go, route, SPANS } from "./route.js";

/** The most folders in the list; those with many files come first. */
const FOLDERS = 40;

/** Returns the folders that files are in, by name, and only if there is more than one. */
function foldersOf(paths: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const path of paths) {
    const parts = path.split("/");
    for (let depth = 1; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join("/");
      counts.set(folder, (counts.get(folder) ?? 0) + 1);
    }
  }
  const most = [...counts].sort((a, b) => b[1] - a[1]).slice(0, FOLDERS);
  return most.length < 2 ? [] : most.map(([folder]) => folder).sort((a, b) => a.localeCompare(b));
}

export function Filters() {
  const { library, selection } = useApp();
  const files = library.files.value;
  const { folder, file, kind, span, like } = route.value;
  // Each letter of a query comes by here, and there may be many files.
  const known = useMemo(() => foldersOf(files.map(({ path }) => path)), [files]);
  const folders = folder === "" || known.includes(folder) ? known : [folder, ...known];
  const there = useMemo(() => new Set(files.map((one) => one.kind)), [files]);
  const kinds = FILE_KINDS.filter((one) => there.has(one) || one === kind);
  return (
    <div class="filters">
      {like !== "" && (
        <Chip label={t("filter.like.remove")} onRemove={() => go({ like: "" })}>
          {t("filter.like", { file: fileName(like) })}
        </Chip>
      )}
      {file !== "" && (
        <Chip label={t("filter.file.remove")} onRemove={() => go({ file: "" })}>
          {t("filter.file", { file: fileName(file) })}
        </Chip>
      )}
      {selection.value !== undefined && (
        <Chip label={t("filter.selection.remove")} onRemove={() => (selection.value = undefined)}>
          {t("filter.selection", { count: selection.value.length })}
        </Chip>
      )}
      {folders.length > 0 && (
        <FilterChip
          label={t("filter.folder")}
          value={folder}
          choices={[
            { value: "", label: t("filter.folder.any") },
            ...folders.map((value) => ({ value, label: value.replaceAll("/", " › ") })),
          ]}
          onChange={(value) => go({ folder: value })}
        />
      )}
      {(kinds.length > 1 || kind !== "") && (
        <FilterChip
          label={t("filter.kind")}
          value={kind}
          choices={[{ value: "", label: t("filter.kind.any") }, ...kinds.map((value) => ({ value, label: kindName(value) }))]}
          onChange={(value) => go({ kind: value })}
        />
      )}
      {files.length > 0 && (
        <FilterChip
          label={t("filter.date")}
          value={span}
          choices={SPANS.map((value) => ({ value, label: t(`filter.date.${value}`) }))}
          onChange={(value) => go({ span: value })}
        />
      )}
    </div>
  );
}
