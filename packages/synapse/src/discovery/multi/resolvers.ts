import type { Instance } from '@smartstack/registry';
import { z } from 'zod';

/** Each watcher's last list, by name and in the file's order; undefined until it answered. */
export type Lists = ReadonlyMap<string, readonly Instance[] | undefined>;

/**
 * The watchers whose members count together, or undefined while that is not known. `patient`: those without
 * an answer are waited for; later they count as silent.
 */
export type Resolve = (lists: Lists, patient: boolean) => readonly string[] | undefined;

/** All watchers, once all have answered. */
export const union: Resolve = (lists) =>
  [...lists.values()].includes(undefined) ? undefined : [...lists.keys()];

/** The first in order that has members. */
export function sequential(order: readonly string[]): Resolve {
  return (lists, patient) => {
    if (patient && isUndecided(order.map((name) => lists.get(name)))) return undefined;
    const answered = order.filter((name) => lists.get(name));
    const [first = answered[0]] = answered.filter((name) => lists.get(name)?.length);
    return first === undefined ? undefined : [first];
  };
}

/** The one that is chosen. */
export function only(chosen: string): Resolve {
  return (lists) => (lists.get(chosen) ? [chosen] : undefined);
}

/** The members of these watchers together: one that several have counts once, as the first of them has it. */
export function membersOf(lists: Lists, watchers: readonly string[]): readonly Instance[] {
  const [first = [], ...others] = watchers.map((name) => lists.get(name) ?? []);
  if (others.length === 0) return first;
  const known = new Set(first.map(addressOf));
  return [
    first,
    ...others.map((list) => {
      const more = list.filter((member) => !known.has(addressOf(member)));
      for (const member of more) known.add(addressOf(member));
      return more;
    }),
  ].flat();
}

/** Equal for records of one machine's copy of a service, in whichever registry. */
export function addressOf({ host, port }: Instance): string {
  return `${host.toLowerCase()} ${port}`;
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

/** Whether no watcher has members yet, and one has not answered. */
function isUndecided(inOrder: readonly (readonly Instance[] | undefined)[]): boolean {
  const decisive = inOrder.find((list) => list === undefined || list.length > 0);
  return inOrder.includes(undefined) && decisive === undefined;
}
