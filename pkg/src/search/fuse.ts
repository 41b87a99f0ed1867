interface Scored { readonly row: number; readonly score: number }
export function fuse(meaning: readonly Scored[], words: readonly Scored[]): { row: number; score: number; meaning?: number; words?: number }[] {
  const all = new Map<number, { row: number; score: number; meaning?: number; words?: number; rr: number }>();
  meaning.forEach(({ row, score }, i) => all.set(row, { row, score, meaning: i + 1, rr: 1 / (61 + i) }));
  words.forEach(({ row, score }, i) => {
    const known = all.get(row);
    all.set(row, { row, score: Math.max(score, known?.score ?? 0), ...(known?.meaning && { meaning: known.meaning }), words: i + 1, rr: (known?.rr ?? 0) + 1 / (61 + i) });
  });
  return [...all.values()].sort((a, b) => b.rr - a.rr).map(({ rr: _, ...rest }) => rest);
}
