import type { Instance } from '@smartstack/registry';
import { z } from 'zod';

/** What each watcher last said, by name and in the file's order; undefined until it was heard. */
export type Lists = ReadonlyMap<string, readonly Instance[] | undefined>;

/**
 * The members of several watchers together, or undefined while they cannot be told. `patient`: those
 * that were not heard yet may still be; later they count as silent.
 */
export type Resolve = (lists: Lists, patient: boolean) => readonly Instance[] | undefined;

/** Everybody's members, once everybody was heard. */
export const union: Resolve = (lists) => {
  const all = [...lists.values()];
  return all.includes(undefined) ? undefined : all.flatMap((list) => list ?? []);
};

/** The members of the first in order that has some. */
export function sequential(order: readonly string[]): Resolve {
  return (lists, patient) => {
    const inOrder = order.map((name) => lists.get(name));
    if (patient && firstUnheard(inOrder)) return undefined;
    const heard = inOrder.filter((list) => list !== undefined);
    return heard.find((list) => list.length > 0) ?? heard[0];
  };
}

/** The members of the one that is chosen. */
export function only(chosen: string): Resolve {
  return (lists) => lists.get(chosen);
}

/** How likely each watcher is to be chosen, as a toggle's file says: a name alone, or whole numbers by name. */
export const togglesSchema = z.union([
  z.string().transform((name): Readonly<Record<string, number>> => ({ [name.trim()]: 1 })),
  z.record(z.string(), z.int().min(0)),
]);

/** One of the watchers by weight, `random` from 0 to 1; undefined where the weights allow none. */
export function pick(
  weights: Readonly<Record<string, number>>,
  random: number,
): string | undefined {
  const entries = Object.entries(weights);
  let left = random * entries.reduce((sum, [, weight]) => sum + weight, 0);
  return entries.find(([, weight]) => {
    left -= weight;
    return weight > 0 && left < 0;
  })?.[0];
}

/** Whether one that was not heard yet comes before the first that has members. */
function firstUnheard(inOrder: readonly (readonly Instance[] | undefined)[]): boolean {
  const decisive = inOrder.find((list) => list === undefined || list.length > 0);
  return inOrder.includes(undefined) && decisive === undefined;
}
