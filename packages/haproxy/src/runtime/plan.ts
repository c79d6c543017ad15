import { isIPv6 } from 'node:net';
import type { Ids } from '../render/ids.ts';
import type { Server } from '../render/server.ts';
import type { Traits } from '../render/traits.ts';

import {
  addServer,
  drainServer,
  moveServer,
  openServer,
  readyServer,
  type Step,
  weighServer,
} from './command.ts';
import type { ServerState } from './server-state.ts';

/** What is known of one backend when a plan is made. */
export interface Situation {
  readonly backend: string;
  readonly traits: Traits;
  /** The servers that it is to have; undefined to keep what it has. */
  readonly desired: readonly Server[] | undefined;
  readonly ids: Ids;
  /** What HAProxy has. */
  readonly actual: readonly ServerState[];
  /** Each server as HAProxy was last told, by name; a missing one was never told by this process. */
  readonly told: ReadonlyMap<string, Server>;
  /** Servers that were added and not opened: synapse or its connection ended in between. */
  readonly halfway: ReadonlySet<string>;
  /** Servers that drain because they left, or because they are to be replaced; true for the latter. */
  readonly leaving: ReadonlyMap<string, { readonly replace: boolean }>;
}

export interface Plan {
  readonly steps: readonly Step[];
  /** Servers that leave with this plan. */
  readonly leave: readonly { readonly server: string; readonly replace: boolean }[];
  /** Servers that left and are back. */
  readonly back: readonly string[];
  /** Servers that someone put out of rotation by hand. */
  readonly byOperator: ReadonlyMap<string, 'maintenance' | 'drain'>;
  /** Why the file must be loaded for the rest; undefined when the steps suffice. */
  readonly reload: string | undefined;
  /** Whether more is to be done after these steps: servers are replaced a few at a time. */
  readonly more: boolean;
}

/** The steps from what one backend has to what it is to have: additions first, then removals. */
export function plan(situation: Situation): Plan {
  const difference = differenceOf(situation);
  const { back, gone, stale } = difference;
  return {
    steps: stepsFor(situation, difference),
    back: back.map(({ name }) => name),
    leave: [
      ...gone.map(({ name }) => ({ server: name, replace: false })),
      ...stale.replace.map(({ name }) => ({ server: name, replace: true })),
    ].filter(({ server }) => !situation.leaving.has(server)),
    byOperator: byOperator(situation),
    more: stale.more,
    reload: reloadReason(situation, difference),
  };
}

/** What a backend has, sorted by what is to become of it. */
interface Difference {
  readonly wanted: ReadonlyMap<string, Server>;
  readonly missing: readonly Server[];
  readonly kept: readonly ServerState[];
  /** Servers that were leaving, and are desired again. */
  readonly back: readonly Server[];
  readonly gone: readonly ServerState[];
  readonly stale: ReturnType<typeof staleServers>;
}

function differenceOf(situation: Situation): Difference {
  const { traits, desired, actual, leaving } = situation;
  const wanted = new Map((desired ?? []).map((server) => [server.name, server]));
  const present = new Map(actual.map((server) => [server.name, server]));
  const missing = [...wanted.values()].filter(({ name }) => !present.has(name));
  const kept = actual.filter(({ name }) => wanted.has(name) && !leaving.get(name)?.replace);
  const back = kept.flatMap(({ name }) => (leaving.has(name) && wanted.get(name)) || []);
  const gone =
    desired === undefined
      ? []
      : actual.filter(({ name }) => !(wanted.has(name) || traits.ownServers.has(name)));
  const stale = staleServers(situation, kept, { wanted, isWhole: missing.length === 0 });
  return { wanted, missing, kept, back, gone, stale };
}

function stepsFor(
  situation: Situation,
  { wanted, missing, kept, back, gone, stale }: Difference,
): readonly Step[] {
  const { backend, traits, leaving } = situation;
  return [
    ...(traits.obstacle === undefined ? missing.map((server) => add(situation, server)) : []),
    ...kept.flatMap(({ name }) => open(situation, name, wanted)),
    ...back.map((server) => readyServer(backend, server)),
    ...kept.flatMap((state) => adjust(situation, state, wanted)),
    ...[...gone, ...stale.replace]
      .filter(({ name }) => !leaving.has(name))
      .map(({ name }) => drainServer(backend, name)),
  ];
}

/** Why no command can bring the backend in step. */
function reloadReason(
  situation: Situation,
  { wanted, missing, kept, stale }: Difference,
): string | undefined {
  const { obstacle, fixedWeights } = situation.traits;
  if (missing.length > 0 && obstacle) return obstacle;
  const isOther = kept.some(
    (state) => wanted.get(state.name)?.weight !== 0 && isOtherWeight(situation, state, wanted),
  );
  return stale.reload ?? (isOther ? fixedWeights : undefined);
}

function add({ backend, traits, ids }: Situation, server: Server): Step {
  const id = ids.get(server.name);
  if (id === undefined) throw new Error(`no id for server ${backend}/${server.name}`);
  return addServer(backend, server, { id, defaults: traits.defaults });
}

function open(
  { backend, traits, halfway }: Situation,
  name: string,
  wanted: ReadonlyMap<string, Server>,
): readonly Step[] {
  const server = halfway.has(name) ? wanted.get(name) : undefined;
  return server ? [openServer(backend, server, traits.defaults)] : [];
}

/** Brings weight and address in step; a change by hand stays until the desired value changes. */
function adjust(
  situation: Situation,
  state: ServerState,
  wanted: ReadonlyMap<string, Server>,
): readonly Step[] {
  const { backend, traits } = situation;
  const server = wanted.get(state.name);
  if (!server) return [];
  const steps: Step[] = [];
  // A weight of 0 is taken everywhere, and is not to wait for a reload.
  const isTaken = traits.fixedWeights === undefined || server.weight === 0;
  if (isTaken && isOtherWeight(situation, state, wanted))
    steps.push(weighServer(backend, state.name, server.weight ?? 1));
  const isThere = sameHost(state.host, server.host) && state.port === server.port;
  if (!isThere && state.host !== '-') steps.push(moveServer(backend, server));
  return steps;
}

function isOtherWeight(
  { told }: Situation,
  { name, weight }: ServerState,
  wanted: ReadonlyMap<string, Server>,
): boolean {
  const server = wanted.get(name);
  if (!server) return false;
  const before = told.get(name);
  // A weight of 1 that was read from HAProxy is its default, if none is asked for.
  if (before?.weight === 1 && server.weight === undefined) return false;
  return before
    ? before.weight !== server.weight
    : server.weight !== undefined && weight !== server.weight;
}

/**
 * Servers whose other options changed. They are replaced a few at a time, after draining, if others can
 * carry the load meanwhile; else the file must be loaded.
 */
function staleServers(
  { told, traits, leaving }: Situation,
  kept: readonly ServerState[],
  { wanted, isWhole }: { wanted: ReadonlyMap<string, Server>; isWhole: boolean },
): { readonly replace: readonly ServerState[]; readonly reload?: string; readonly more: boolean } {
  const stale = kept.filter(({ name }) => {
    const before = told.get(name);
    return before !== undefined && before.options !== wanted.get(name)?.options;
  });
  if (stale.length === 0) return { replace: [], more: false };
  if (traits.obstacle !== undefined) return { replace: [], reload: traits.obstacle, more: false };
  const busy = [...leaving.values()].filter(({ replace }) => replace).length;
  const serving = kept.filter((server) => server.operational === 'running' && !isOut(server));
  if (serving.length < 2 && busy === 0 && isWhole)
    return { replace: [], reload: 'the only server has other options', more: false };
  const share = serving.length < 2 ? 0 : Math.max(1, Math.floor(serving.length / 5));
  const replace = stale.slice(0, Math.max(0, share - busy));
  return { replace, more: replace.length < stale.length };
}

/** HAProxy shortens IPv6 addresses; registries may have them in full. */
function sameHost(one: string, other: string): boolean {
  return one === other || (isIPv6(one) && isIPv6(other) && shortest(one) === shortest(other));
}

const shortest = (address: string) => new URL(`http://[${address}]`).hostname;

/** Whether it is out of rotation, by synapse or by an operator. */
export const isOut = ({ maintenance, drain }: ServerState) => maintenance || drain;

function byOperator({ actual, leaving, halfway, traits }: Situation): Plan['byOperator'] {
  return new Map(
    actual
      .filter((server) => isOut(server) && !leaving.has(server.name) && !halfway.has(server.name))
      .filter(({ name }) => !traits.ownServers.has(name))
      .map((server) => [server.name, server.maintenance ? 'maintenance' : 'drain'] as const),
  );
}
