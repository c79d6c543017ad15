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
): string | undefined {
  const lacking = [...(part < 1 ? [from] : []), ...(part > 0 ? [to] : [])].filter(
    (name) => !chosen.includes(name),
  );
  if (lacking.length === 0) return undefined;
  return `watcher ${lacking.join(' and ')} has no members: all traffic goes to those of ${chosen.join(' and ')}`;
}

/** The most that a proxy's weight may be. */
const heaviest = 256;

/** The members of both lists, each once, with the weights that share the traffic as asked. */
export function shared(lists: Lists, { from, to, share: part }: Migration): readonly Instance[] {
  const [left, come] = [lists.get(from) ?? [], lists.get(to) ?? []];
  const parts = new Map<string, { readonly member: Instance; readonly part: number }>();
  for (const [list, whole] of [
    [left, 1 - part],
    [come, part],
  ] as const) {
    const sum = list.reduce((all, each) => all + weightOf(each), 0);
    for (const member of list) {
      const address = addressOf(member);
      const { member: first, part: before } = parts.get(address) ?? { member, part: 0 };
      // Where none is to get anything by its own weight, all are alike.
      const own = sum === 0 ? 1 / list.length : weightOf(member) / sum;
      parts.set(address, { member: first, part: before + whole * own });
    }
  }
  const both = new Set(come.map(addressOf));
  const isLeft = new Set(left.map(addressOf));
  const groups = [
    (address: string) => isLeft.has(address) && !both.has(address),
    (address: string) => isLeft.has(address) && both.has(address),
    (address: string) => !isLeft.has(address),
  ];
  const most = Math.max(...[...parts.values()].map((each) => each.part));
  const weights = new Map<string, number>();
  for (const isIn of groups) {
    const members = [...parts].filter(([address]) => isIn(address));
    // Rounded so that the group's sum is right, however little each has.
    let exact = 0;
    let given = 0;
    for (const [address, each] of members) {
      exact += (each.part / most) * heaviest;
      const weight = Math.round(exact) - given;
      given += weight;
      weights.set(address, weight);
    }
  }
  return [...parts].map(([address, { member }]) =>
    weighed(member, Math.min(heaviest, weights.get(address) ?? 0)),
  );
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
