import type { Ejection, Refused } from '@smartstack/proxy';
import { type HaproxyConfig, isManaged } from '../config/config.ts';
import type { Desired } from '../desired/desired.ts';
import type { Running } from '../process/loader.ts';
import { addressOf, type Server } from '../render/server.ts';
import type { Capabilities } from '../render/version.ts';
import type { Seen } from '../runtime/latest-states.ts';
import type { Memory } from '../runtime/memory.ts';
import type { ServerState } from '../runtime/server-state.ts';
import type { Sync } from '../runtime/sync.ts';

/** How the state of a server that HAProxy does not have yet begins. */
export const missing = 'not in haproxy';

/** The state of a member whose host does not resolve. */
export const unresolved = 'its name does not resolve';

export interface StatusInput {
  /** The servers' states that were asked for just now; undefined where they were not. */
  readonly seen: Seen | undefined;
  readonly hasSocket: boolean;
  readonly config: HaproxyConfig;
  readonly running: Running | undefined;
  readonly desired: ReadonlyMap<string, Desired>;
  readonly syncs: readonly Sync[];
  readonly quarantine: readonly Refused[];
  readonly fileTrouble: string | undefined;
  readonly pending: ReadonlyMap<string, string>;
  readonly nextReload: number;
  /** Why the last reload did not take. */
  readonly refusal: string | undefined;
  /** Why services are not as desired, where neither a command nor a reload helps now. */
  readonly stuck: ReadonlyMap<string, string>;
  readonly isReloading: boolean;
  readonly capabilities: Capabilities;
}

/** What the driver knows, for people: JSON-safe. */
export function statusOf(input: StatusInput) {
  const { config, running, desired, quarantine, pending, nextReload } = input;
  const stuck = [...input.stuck].map(([service, reason]) => `${service}: ${reason}`);
  return {
    ...(stuck.length > 0 && { trouble: stuck.join('\n') }),
    mode: isManaged(config) ? 'managed' : 'external',
    version: running?.version ?? input.capabilities.version,
    pid: running?.pid ?? null,
    shape: running?.shape ?? null,
    /** When HAProxy was asked for its servers' states; null if these are what synapse knows without asking. */
    askedAt: input.seen ? new Date(input.seen.at).toISOString() : null,
    file: input.fileTrouble ?? (stuck.length > 0 ? 'not in step: see trouble' : 'in step'),
    reload: {
      underWay: input.isReloading,
      waitingFor: Object.fromEntries(pending),
      notBefore: pending.size > 0 ? timeOf(nextReload).toISOString() : null,
      lastFailure: input.refusal ?? null,
    },
    quarantined: quarantine,
    services: Object.fromEntries(
      [...desired].map(([name, one]) => [name, serviceStatus(name, one, input)]),
    ),
  };
}

/** A time of the monotonic clock as one of the day. */
const timeOf = (steady: number) => new Date(Date.now() + steady - performance.now());

/** What HAProxy makes of a server. */
function stateIn(input: StatusInput, service: string, backend: string) {
  const { syncs, seen, hasSocket } = input;
  const memory = syncs[0]?.memoryOf(backend);
  const actual = seen?.states ? (seen.states.get(backend) ?? []) : (memory?.states ?? []);
  const states = new Map(actual.map((state) => [state.name, state]));
  const waiting = input.stuck.get(service) ?? input.pending.get(service);
  return (name: string): string => {
    if (!hasSocket) return 'not known: no socket to ask (do_socket is false)';
    if (seen && !seen.states) return 'not known: haproxy does not answer';
    const state = states.get(name);
    const leaving = memory?.leaving.get(name);
    if (leaving && (state || !seen)) return leaving.parked ? 'parked' : 'leaving';
    if (!state && !seen && memory?.told.has(name)) return 'added';
    if (!state) return waiting === undefined ? missing : `${missing}: ${waiting}`;
    const byOperator = seen ? maintenanceOf(state) : memory?.byOperator.get(name);
    return byOperator === undefined ? wordOf(state) : `${byOperator} by operator`;
  };
}

function maintenanceOf({ maintenance, drain }: ServerState): string | undefined {
  if (maintenance) return 'maintenance';
  return drain ? 'drain' : undefined;
}

function wordOf({ operational, weight }: ServerState): string {
  if (operational === 'stopped') return 'down';
  return weight === 0 ? 'up, weight 0' : 'up';
}

/** Servers that leave, as they were told. */
function leavingIn(memory: Memory | undefined): readonly Server[] {
  return [...(memory?.leaving.keys() ?? [])].flatMap((each) => memory?.told.get(each) ?? []);
}

function serviceStatus(name: string, desired: Desired, input: StatusInput) {
  const { part, servers, refusals, made } = desired;
  const backend = part.stanza.backendName;
  const memory = input.syncs[0]?.memoryOf(backend);
  const stateOf = stateIn(input, name, backend);
  const ejections = input.seen?.ejected?.get(backend);
  const show = (server: Pick<Server, 'name' | 'host' | 'port'>, state = stateOf(server.name)) => {
    const shown = { name: server.name, address: addressOf(server), state };
    const ejection = state === 'down' ? ejections?.get(server.name) : undefined;
    return ejection ? { ...shown, state: 'ejected', ejected: shownEjection(ejection) } : shown;
  };
  const leaving = leavingIn(memory);
  return {
    backend,
    members: part.traits.obstacle === undefined ? 'runtime' : 'reload',
    ...(part.traits.obstacle !== undefined && { why: part.traits.obstacle }),
    heard: servers !== undefined,
    servers: [
      ...[...(servers ?? [...(memory?.told.values() ?? [])]), ...leaving].map((one) => show(one)),
      ...made.unresolved.map((one) => show(one, unresolved)),
    ],
    refusedOptions: refusals,
  };
}

function shownEjection({ since, why, back }: Ejection) {
  const text = (time: number) => new Date(time).toISOString();
  return { since: text(since), why, back: back === undefined ? null : text(back) };
}
