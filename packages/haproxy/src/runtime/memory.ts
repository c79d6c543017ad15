import type { Ids } from '../render/ids.ts';
import type { Server } from '../render/server.ts';
import type { Traits } from '../render/traits.ts';
import type { Written } from '../render/written.ts';
import type { Leaving } from './leaving.ts';
import { isOut } from './plan.ts';
import type { ServerState } from './server-state.ts';

/** What synapse knows of one backend of a running HAProxy, beyond what HAProxy says itself. */
export interface Memory {
  /** Each server as HAProxy was told it, by its line in the file or by commands. */
  readonly told: ReadonlyMap<string, Server>;
  readonly ids: Ids;
  readonly leaving: ReadonlyMap<string, Leaving>;
  readonly byOperator: ReadonlyMap<string, 'maintenance' | 'drain'>;
  /** The states that HAProxy said last, with the commands since. */
  readonly states: readonly ServerState[];
  /** The servers that it was last brought in step with; undefined where HAProxy is to be asked first. */
  readonly inStep: readonly Server[] | undefined;
}

export interface FirstMemoryOptions {
  readonly traits: Traits;
  readonly desired: readonly Server[] | undefined;
  /** Servers that an earlier synapse made leave. */
  readonly leaving: readonly string[];
  /** How a server leaves from now on. */
  readonly leave: () => Leaving;
}

/**
 * The first memory of a backend that ran before this process: the file says how its servers were told;
 * for one that was added since, the options of the desired server are assumed.
 */
export function firstMemory(
  actual: readonly ServerState[],
  written: ReadonlyMap<string, Written> | undefined,
  { traits, desired, leaving, leave }: FirstMemoryOptions,
): Memory {
  const wanted = new Map((desired ?? []).map((server) => [server.name, server]));
  const isHalfAdded = ({ name, maintenance }: ServerState) =>
    maintenance && written !== undefined && !written.has(name) && !leaving.includes(name);
  const told = actual
    .filter((state) => !(traits.ownServers.has(state.name) || isHalfAdded(state)))
    .map((state) => toldOf(state, written?.get(state.name)?.server, wanted.get(state.name)));
  return {
    told: new Map(told.map((server) => [server.name, server])),
    ids: new Map(actual.map(({ name, id }) => [name, id])),
    leaving: new Map(leaving.map((name) => [name, leave()])),
    byOperator: new Map(),
    states: actual,
    inStep: undefined,
  };
}

/** What a server was told: its line in the file, if it has one, else as the desired one, where the weights agree. */
function toldOf(
  { name, host, port, weight }: ServerState,
  written: Server | undefined,
  guess: Server | undefined,
): Server {
  if (written) return { ...written, name, host, port };
  const isSameWeight = guess && (guess.weight ?? 1) === weight;
  const options = guess?.options ?? '';
  return { name, host, port, options, weight: isSameWeight ? guess.weight : weight };
}

/**
 * Servers that synapse took out without a record of it: their weight is 0, though it should not be. An
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
 * Servers that are in maintenance since they were added: they are in no file, and were never made ready.
 * A server that an operator put into maintenance has served before.
 */
export function halfAdded({ told, leaving, states }: Memory): ReadonlySet<string> {
  const names = states
    .filter(({ name, maintenance }) => maintenance && !told.has(name) && !leaving.has(name))
    .map(({ name }) => name);
  return new Set(names);
}

/** The memory of a backend that HAProxy has just loaded from a file; what was parked stays parked. */
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

/** A parked server's line ends with `disabled`, which is no option of its own. */
const enabled = (server: Server): Server => ({
  ...server,
  options: server.options.replace(/(^| )disabled$/, ''),
});
