/** Prints what was counted, such as `5 of 100 to v2: v1 951, v2 49`. */
export function say(what: string, counts: Readonly<Record<string, number>>): void {
  const figures = Object.entries(counts)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, count]) => `${name} ${count}`);
  console.log(`${what}: ${figures.join(', ')}`);
}

/** Prints that HAProxy was not reloaded, or that it was. */
export function sayReloads(isSameProcess: boolean): void {
  console.log(`HAProxy was ${isSameProcess ? 'not reloaded' : 'reloaded'}`);
}
