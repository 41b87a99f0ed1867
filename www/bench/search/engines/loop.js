/** What many pages do: a loop over one Float32Array. It is exact, and the others are compared with it. */
export function create(dimensions, count) {
  const all = new Float32Array(count * dimensions);
  return {
    add: (vectors, first) => all.set(vectors, first * dimensions),
    search(query, wanted) {
      const best = [];
      for (let row = 0; row < count; row++) {
        let sum = 0;
        for (let at = 0, from = row * dimensions; at < dimensions; at++) sum += query[at] * all[from + at];
        if (best.length < wanted || sum > best[best.length - 1].sum) {
          best.push({ row, sum });
          best.sort((a, b) => b.sum - a.sum || a.row - b.row);
          best.length = Math.min(best.length, wanted);
        }
      }
      return best.map(({ row }) => row);
    },
  };
}
