import { differenceOf } from '@smartstack/daemon';

import type { Server } from '../render/server.ts';
import type { Memory } from './memory.ts';
import type { ServerState } from './server-state.ts';

/** The servers that a plan has to consider. */
export interface Sight {
  /** The servers that the backend is to have; undefined to keep what it has. */
  readonly desired: readonly Server[] | undefined;
  /** What HAProxy has. */
  readonly actual: readonly ServerState[];
}

/**
 * The servers that differ from when the backend was last in step, and those that leave: a plan considers
 * no others, so that the cost of a change is the change. All servers where that is not certain, and where
 * some are to be replaced, since how many at a time depends on all.
 */
export function scopeOf({ inStep, leaving, states }: Memory, sight: Sight): Sight {
  const { desired, actual } = sight;
  if (!inStep || !desired || [...leaving.values()].some(({ replace }) => replace)) return sight;
  const names = new Map<string, Server | undefined>();
  const { gone, added } = differenceOf(inStep, desired);
  for (const server of gone) names.set(server.name, server);
  if (added.some(({ name, options }) => (names.get(name)?.options ?? options) !== options))
    return sight;
  for (const { name } of [...added, ...othersOf(states, actual)]) names.set(name, undefined);
  for (const name of leaving.keys()) names.set(name, undefined);
  const within = <T extends { readonly name: string }>(all: readonly T[]) =>
    names.size === 0 ? [] : all.filter(({ name }) => names.has(name));
  return { desired: within(desired), actual: within(actual) };
}

/** The names of servers that appeared, went or changed in HAProxy, apart from the results of its checks. */
function othersOf(known: readonly ServerState[], actual: readonly ServerState[]) {
  if (known === actual) return [];
  const before = new Map(known.map((state) => [state.name, state]));
  const others = actual.filter((state) => {
    const one = before.get(state.name);
    before.delete(state.name);
    return !one || !isSame(one, state);
  });
  return [...others, ...before.values()];
}

function isSame(one: ServerState, other: ServerState): boolean {
  return (
    one.id === other.id &&
    one.host === other.host &&
    one.port === other.port &&
    one.weight === other.weight &&
    one.maintenance === other.maintenance &&
    one.drain === other.drain
  );
}
