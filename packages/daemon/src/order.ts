/** Where something belongs in a list that is in order: behind all items that are `before` it. */
export function placeIn<T>(list: readonly T[], before: (item: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(list[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}
