import { share } from '@smartstack/policy';
import { changed, type Instance } from '@smartstack/registry';
import { z } from 'zod';

import { addressOf, type Lists, type Resolve } from './resolvers.ts';

export const migrateSchema = z
  .strictObject({
    method: z.literal('migrate'),
    from: z
      .string()
      .min(1)
      .meta({ description: 'the watcher of the registry that is left', examples: ['zookeeper'] }),
    to: z
      .string()
      .min(1)
      .meta({ description: 'the watcher of the registry that comes', examples: ['consul'] }),
    share: share.meta({
      description:
        'how much of the traffic goes to the members of `to`, from `0%` to `100%`; another share takes effect by a reload of this file, without one of the proxy',
      examples: ['10%'],
    }),
  })
  .meta({
    description:
      'a move from one registry to another: a share of the traffic goes to the members of the new one, those of a member that both have from both. Announced weights count inside each. Where one has no members, the other serves all',
  });

export type Migration = Omit<z.output<typeof migrateSchema>, 'method'>;

/** Those of both watchers that have a share and members; where none has, the other one. */
export function migrating({ from, to, share: part }: Migration): Resolve {
  const wanted = [...(part < 1 ? [from] : []), ...(part > 0 ? [to] : [])];
  return (lists, patient) => {
    if (patient && wanted.some((name) => lists.get(name) === undefined)) return undefined;
    const answered = [...new Set([...wanted, from, to])].filter((name) => lists.get(name));
    const serving = answered.filter((name) => lists.get(name)?.length);
    const chosen = wanted.filter((name) => serving.includes(name));
    const [first] = serving.length > 0 ? serving : answered;
    if (chosen.length > 0) return chosen;
    return first === undefined ? undefined : [first];
  };
}

/** Why the traffic is not shared as it is asked; undefined where it is. */
export function shortfall(
  { from, to, share: part }: Migration,
  chosen: readonly string[],
  lists: Lists,
): string | undefined {
  const wanted = [...(part < 1 ? [from] : []), ...(part > 0 ? [to] : [])];
  const lacking = wanted.find((name) => !chosen.includes(name));
  if (lacking === undefined) return undefined;
  const why = lists.get(lacking) ? 'has no members' : 'has not answered yet';
  const rest = chosen.some((name) => lists.get(name)?.length)
    ? `all traffic goes to the members of ${chosen.join(' and ')}`
    : `nor has ${chosen.join(' and ')} any member`;
  return `watcher ${lacking} ${why}: ${rest}`;
}

/**
 * The heaviest weight that is tried, the smallest first: a proxy takes as many requests to be in step as all weights
 * are together. The last is the most that one takes.
 */
const heaviest = [...Array.from({ length: 64 }, (_, index) => index + 1), 96, 128, 192, 256];
/** How far a side's sum, and each member, may be from what it should have: then greater weights are not tried. */
const tolerance = { sum: 0.002, member: 0.05 } as const;

/** A member, and the part of the traffic that it should get. */
interface Part {
  readonly member: Instance;
  readonly part: number;
  /** Which of the lists have it. */
  readonly in: 'from' | 'to' | 'both';
}

/** The members of both lists, each once, with the weights that share the traffic as asked. */
export function shared(lists: Lists, migration: Migration): readonly Instance[] {
  const parts = partsOf(lists, migration);
  const largest = parts.reduce((most, { part }) => Math.max(most, part), 0);
  let weights: readonly number[] = [];
  for (const most of heaviest) {
    weights = weightsOf(parts, most, largest);
    if (isClose(parts, weights)) break;
  }
  return parts.map(({ member }, index) => weighed(member, weights[index] ?? 0));
}

function partsOf(lists: Lists, { from, to, share: part }: Migration): readonly Part[] {
  const parts = new Map<string, Part>();
  for (const [side, whole] of [
    ['from', 1 - part],
    ['to', part],
  ] as const) {
    const list = lists.get(side === 'from' ? from : to) ?? [];
    const sum = list.reduce((all, each) => all + weightOf(each), 0);
    for (const member of list) {
      const address = addressOf(member);
      const before = parts.get(address);
      // Where none is to get anything by its own weight, all are alike.
      const own = whole * (sum === 0 ? 1 / list.length : weightOf(member) / sum);
      parts.set(
        address,
        before
          ? { ...before, part: before.part + own, in: before.in === side ? side : 'both' }
          : { member, part: own, in: side },
      );
    }
  }
  return [...parts.values()];
}

/** Whole numbers up to `most`, rounded so that each side's sum is right, however little each member has. */
function weightsOf(parts: readonly Part[], most: number, largest: number): readonly number[] {
  const exact = { from: 0, to: 0, both: 0 };
  const given = { from: 0, to: 0, both: 0 };
  return parts.map(({ part, in: side }) => {
    exact[side] += (part / largest) * most;
    const weight = Math.min(most, Math.round(exact[side]) - given[side]);
    given[side] += weight;
    return weight;
  });
}

function isClose(parts: readonly Part[], weights: readonly number[]): boolean {
  const all = weights.reduce((sum, weight) => sum + weight, 0);
  const off = new Map<Part['in'], number>();
  for (const [index, { part, in: side }] of parts.entries()) {
    const got = (weights[index] ?? 0) / all;
    if (Math.abs(got - part) > tolerance.member * part) return false;
    off.set(side, (off.get(side) ?? 0) + got - part);
  }
  return [...off.values()].every((each) => Math.abs(each) <= tolerance.sum);
}

const weightOf = ({ weight = 1 }: Instance) => weight;

/** The member with its weight; the same object again for the same weight. */
function weighed(member: Instance, trafficWeight: number): Instance {
  const before = known.get(member);
  if (before?.trafficWeight === trafficWeight) return before;
  const after = changed(member, { trafficWeight });
  known.set(member, after);
  return after;
}

const known = new WeakMap<Instance, Instance>();
