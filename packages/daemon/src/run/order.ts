/** The index at which to insert into a sorted list: behind all items that are `before` it. */
export function placeIn<T>(list: readonly T[], before: (item: T) => boolean): number {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(list[middle] as T)) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** The items removed from and added to a list; cheap when most are the same, in the same order. */
export function differenceOf<T>(
  before: readonly T[],
  now: readonly T[],
): { readonly gone: readonly T[]; readonly added: readonly T[] } {
  let start = 0;
  while (start < before.length && start < now.length && before[start] === now[start]) start += 1;
  let [last, end] = [before.length, now.length];
  while (last > start && end > start && before[last - 1] === now[end - 1]) {
    last -= 1;
    end -= 1;
  }
  const gone = new Set(before.slice(start, last));
  const added = now.slice(start, end).filter((item) => !gone.delete(item));
  return { gone: [...gone], added };
}
