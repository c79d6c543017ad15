import type { Ids } from './ids.ts';
import { isOut } from './plan.ts';
import type { Server } from './server.ts';
import type { ServerState } from './state.ts';
import type { Traits } from './traits.ts';
import type { Written } from './written.ts';

/** A server that is out of rotation and is deleted once its connections have ended. */
export interface Leaving {
  readonly replace: boolean;
  /** Its connections have ended, and it stays in maintenance: a new one would need a reload. */
  readonly parked: boolean;
  /** When its connections are cut, and when to look again. */
  readonly deadline: number;
  readonly next: number;
  readonly tries: number;
}

/** What this process knows of one backend of a running HAProxy beyond what that says itself. */
export interface Memory {
  readonly told: ReadonlyMap<string, Server>;
  readonly ids: Ids;
  readonly leaving: ReadonlyMap<string, Leaving>;
  readonly byHand: ReadonlyMap<string, 'maintenance' | 'drain'>;
  readonly states: readonly ServerState[];
}

export interface RememberOptions {
  readonly traits: Traits;
  readonly desired: readonly Server[] | undefined;
  /** What is known to have left already. */
  readonly leaving: readonly string[];
  /** What becomes of a server that is found leaving. */
  readonly leave: () => Leaving;
}

/**
 * The first memory of a backend that ran before this process: the file says what its servers were
 * told; of one that was added since, the template's words are assumed.
 * A server that is out and has no weight, though it should, was taken out by an earlier synapse.
 */
export function remember(
  actual: readonly ServerState[],
  written: ReadonlyMap<string, Written> | undefined,
  { traits, desired, leaving, leave }: RememberOptions,
): Memory {
  const wanted = new Map((desired ?? []).map((server) => [server.name, server]));
  const told = actual
    .filter(({ name }) => !traits.ownServers.has(name))
    .map((state) => {
      const known = written?.get(state.name)?.server;
      const { name, host, port, weight } = state;
      const options = known?.options ?? wanted.get(name)?.options ?? '';
      return [name, { name, host, port, options, weight: known ? known.weight : weight }] as const;
    });
  const isWeightless = (name: string) =>
    (written?.get(name)?.server ?? wanted.get(name))?.weight === 0;
  const found = actual.filter(
    (state) =>
      leaving.includes(state.name) ||
      (isOut(state) && state.weight === 0 && !isWeightless(state.name)),
  );
  return {
    told: new Map(told),
    ids: new Map(actual.map(({ name, id }) => [name, id])),
    leaving: new Map(found.map(({ name }) => [name, leave()])),
    byHand: new Map(),
    states: actual,
  };
}

/** The memory of a backend that HAProxy has just loaded from a file; what was parked there still is. */
export function fresh(written: ReadonlyMap<string, Written>, before: Memory | undefined): Memory {
  const parked = [...(before?.leaving ?? [])].filter(
    ([name, leaving]) => leaving.parked && written.has(name),
  );
  return {
    told: new Map([...written].map(([name, { server }]) => [name, server])),
    ids: new Map([...written].map(([name, { id }]) => [name, id])),
    leaving: new Map(parked),
    byHand: new Map(),
    states: [],
  };
}
