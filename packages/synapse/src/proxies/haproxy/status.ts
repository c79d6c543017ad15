import { type HaproxyConfig, isManaged } from './config/config.ts';
import type { Desired } from './desired/desire.ts';
import type { Quarantined } from './judge/quarantine.ts';
import type { Running } from './process/loader.ts';
import { addressOf, type Server } from './render/server.ts';
import type { Capabilities } from './render/version.ts';
import type { Sync } from './runtime/sync.ts';

export interface StatusInput {
  readonly config: HaproxyConfig;
  readonly running: Running | undefined;
  readonly desired: ReadonlyMap<string, Desired>;
  readonly syncs: readonly Sync[];
  readonly quarantine: readonly Quarantined[];
  readonly fileTrouble: string | undefined;
  readonly pending: ReadonlyMap<string, string>;
  readonly nextReload: number;
  /** Why the last reload did not take. */
  readonly refusal: string | undefined;
  readonly isReloading: boolean;
  readonly capabilities: Capabilities;
}

/** What the driver knows, for people: JSON-safe. */
export function statusOf(input: StatusInput) {
  const { config, running, desired, quarantine, pending, nextReload } = input;
  return {
    mode: isManaged(config) ? 'managed' : 'external',
    version: running?.version ?? input.capabilities.version,
    pid: running?.pid ?? null,
    shape: running?.shape ?? null,
    file: input.fileTrouble ?? 'in step',
    reload: {
      underWay: input.isReloading,
      waitingFor: Object.fromEntries(pending),
      notBefore: pending.size > 0 ? timeOf(nextReload).toISOString() : null,
      lastFailure: input.refusal ?? null,
    },
    quarantined: quarantine,
    services: Object.fromEntries(
      [...desired].map(([name, one]) => [name, serviceStatus(one, input)]),
    ),
  };
}

/** The time of day that a time of the steady clock is. */
const timeOf = (steady: number) => new Date(Date.now() + steady - performance.now());

function serviceStatus({ part, servers, refusals }: Desired, { syncs }: StatusInput) {
  const backend = part.stanza.backendName;
  const memory = syncs[0]?.memoryOf(backend);
  const states = new Map((memory?.states ?? []).map((state) => [state.name, state]));
  const stateOf = (name: string) => {
    const hand = memory?.byHand.get(name);
    if (hand !== undefined) return `${hand} by operator`;
    const leaving = memory?.leaving.get(name);
    if (leaving) return leaving.parked ? 'parked' : 'leaving';
    const state = states.get(name);
    if (!state) return memory?.told.has(name) ? 'added' : 'not in haproxy';
    return state.operational === 'stopped' ? 'down' : 'up';
  };
  const show = (server: Server) => ({
    name: server.name,
    address: addressOf(server),
    state: stateOf(server.name),
  });
  const leaving = [...(memory?.leaving.keys() ?? [])].flatMap(
    (name) => memory?.told.get(name) ?? [],
  );
  return {
    backend,
    members: part.traits.obstacle === undefined ? 'runtime' : 'reload',
    ...(part.traits.obstacle !== undefined && { why: part.traits.obstacle }),
    heard: servers !== undefined,
    servers: [...(servers ?? [...(memory?.told.values() ?? [])]), ...leaving].map(show),
    refusedOptions: refusals,
  };
}
