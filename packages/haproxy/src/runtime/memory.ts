import type { Ids } from '../render/ids.ts';
import type { Server } from '../render/server.ts';
import type { Traits } from '../render/traits.ts';
import type { Written } from '../render/written.ts';
import type { Leaving } from './leaving.ts';
import { isOut } from './plan.ts';
import type { ServerState } from './server-state.ts';

/** What this process knows of one backend of a running HAProxy beyond what that says itself. */
export interface Memory {
  readonly told: ReadonlyMap<string, Server>;
  readonly ids: Ids;
  readonly leaving: ReadonlyMap<string, Leaving>;
  readonly byOperator: ReadonlyMap<string, 'maintenance' | 'drain'>;
  /** As HAProxy said last, with what it was told since. */
  readonly states: readonly ServerState[];
  /** What it was last brought in step with; undefined where that is to be looked at. */
  readonly inStep: readonly Server[] | undefined;
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
 */
export function remember(
  actual: readonly ServerState[],
  written: ReadonlyMap<string, Written> | undefined,
  { traits, desired, leaving, leave }: RememberOptions,
): Memory {
  const wanted = new Map((desired ?? []).map((server) => [server.name, server]));
  const isHalfAdded = ({ name, maintenance }: ServerState) =>
    maintenance && written !== undefined && !written.has(name) && !leaving.includes(name);
  const told = actual
    .filter((state) => !(traits.ownServers.has(state.name) || isHalfAdded(state)))
    .map((state) => {
      const known = written?.get(state.name)?.server;
      const guess = wanted.get(state.name);
      const { name, host, port } = state;
      const weight = guess && (guess.weight ?? 1) === state.weight ? guess.weight : state.weight;
      const options = known?.options ?? guess?.options ?? '';
      return [name, { name, host, port, options, weight: known ? known.weight : weight }] as const;
    });
  return {
    told: new Map(told),
    ids: new Map(actual.map(({ name, id }) => [name, id])),
    leaving: new Map(leaving.map((name) => [name, leave()])),
    byOperator: new Map(),
    states: actual,
    inStep: undefined,
  };
}

/**
 * Servers that synapse took out and nobody remembers: their weight is 0, though it should not be. An
 * earlier synapse was killed before it could write that down, or an answer of HAProxy was lost.
 */
export function forgotten(
  { told, leaving, states }: Memory,
  wanted: ReadonlyMap<string, Server>,
): readonly string[] {
  return states
    .filter((state) => isOut(state) && state.weight === 0 && !leaving.has(state.name))
    .map(({ name }) => wanted.get(name) ?? told.get(name))
    .filter((server) => server !== undefined && server.weight !== 0)
    .flatMap((server) => server?.name ?? []);
}

/**
 * Servers that wait in maintenance since they were added: they are in no file, and nobody was told
 * that they serve. What an operator puts into maintenance has served before.
 */
export function halfAdded({ told, leaving, states }: Memory): ReadonlySet<string> {
  const names = states
    .filter(({ name, maintenance }) => maintenance && !told.has(name) && !leaving.has(name))
    .map(({ name }) => name);
  return new Set(names);
}

/** The memory of a backend that HAProxy has just loaded from a file; what was parked there still is. */
export function fresh(written: ReadonlyMap<string, Written>, before: Memory | undefined): Memory {
  const parked = [...(before?.leaving ?? [])].filter(
    ([name, leaving]) => leaving.parked && written.has(name),
  );
  const isParked = (name: string) => parked.some(([other]) => other === name);
  return {
    told: new Map(
      [...written].map(([name, { server }]) => [name, isParked(name) ? enabled(server) : server]),
    ),
    ids: new Map([...written].map(([name, { id }]) => [name, id])),
    leaving: new Map(parked),
    byOperator: new Map(),
    states: [],
    inStep: undefined,
  };
}

/** A parked server's line says `disabled`, which is not one of its own words. */
const enabled = (server: Server): Server => ({
  ...server,
  options: server.options.replace(/(^| )disabled$/, ''),
});
