/**
 * Where rows of different heights stand below each other, in px: row n reaches from `edges[n]` to `edges[n + 1] - gap`,
 * and the last edge is the end of all.
 */
export function edgesOf(count: number, heightOf: (index: number) => number, gap: number): Float64Array {
  const edges = new Float64Array(count + 1);
  for (let index = 0; index < count; index += 1) edges[index + 1] = edges[index]! + heightOf(index) + gap;
  return edges;
}

/** The row that stands at `px`; the first or the last for what is beyond them. */
export function rowAt(edges: Float64Array, px: number): number {
  let [low, high] = [0, Math.max(0, edges.length - 2)];
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (edges[middle]! <= px) low = middle;
    else high = middle - 1;
  }
  return low;
}
