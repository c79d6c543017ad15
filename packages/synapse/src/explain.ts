import { isIPv6 } from 'node:net';

import { type BadRecord, badRecordsOf, type Instance, keyOf } from '@smartstack/registry';

import type { GeneratorOverrides } from './discovery/generator.ts';
import { createPortedMembers } from './discovery/policies/backend-port.ts';
import { filtersOf, type LabelFilter, obstacleOf } from './discovery/policies/label-filters.ts';
import { type Locality, levelOf } from './discovery/policies/locality.ts';
import type { Trouble } from './discovery/trace.ts';
import type { Followed } from './followers.ts';
import { serverName, unresolved } from './proxies/haproxy/index.ts';
import { socketOf } from './proxies/haproxy/render/server.ts';
import type { ProxyDriver } from './proxies/proxy.ts';
import { refusedBy, statusOf } from './proxies/status-of.ts';
import type { Service } from './service.ts';

/** Where one member got to. */
export interface ExplainedMember {
  readonly address: string;
  readonly name: string | null;
  readonly served: boolean;
  /** Where it stopped and why, or what the proxy makes of it. */
  readonly why: string;
}

/** The way of a service's members from discovery to proxy. */
export interface Explanation {
  readonly service: string;
  readonly configured_at: string;
  readonly method: string;
  /** One sentence about the whole. */
  readonly summary: string;
  /** What the ZooKeeper path's own data says over the service's `haproxy` section, as it is used. */
  readonly registry_config?: GeneratorOverrides;
  /** Which parts of its discovery cannot be asked now, and why; what was known of them stands. */
  readonly troubles: readonly Trouble[];
  readonly members: readonly ExplainedMember[];
  /** Records in the registry that are no members, and why. */
  readonly unreadable: readonly BadRecord[];
}

/** Says of every member that was found, is served or stands in the proxy where it stopped and why. */
export function explain(
  followed: Followed,
  service: Service,
  drivers: readonly ProxyDriver[],
  failure?: string,
): Explanation {
  const servers = serversIn(drivers, service.name);
  const traced = tracedMembers(followed, service);
  const members = traced.map(({ instance, source, leftOut }): ExplainedMember => {
    const state = servers.get(serverName(instance))?.state;
    const because = source === 'found' ? undefined : sentences[source];
    const proxy = inProxy(state, service, drivers);
    const why = leftOut ?? [because, standsBy(instance, service), proxy].filter(Boolean).join('; ');
    const served = leftOut === undefined && state !== unresolved;
    return { address: placeOfMember(instance), name: instance.name ?? null, served, why };
  });
  const names = new Set(traced.map(({ instance }) => serverName(instance)));
  for (const [name, { address, state }] of servers)
    if (!names.has(name) && /^(leaving|parked)$/.test(state))
      members.push({
        address,
        name: null,
        served: false,
        why: `no longer announced; in the proxy: ${state}`,
      });
  return {
    service: service.name,
    configured_at: service.origin,
    method: followed.config?.discovery.method ?? 'unknown',
    summary: [
      ...(failure === undefined ? [] : [`cannot be followed, and is tried again: ${failure}`]),
      summaryOf(followed, service, members.filter(({ served }) => served).length),
    ].join('; '),
    registry_config: service.registryConfig ?? {},
    troubles: followed.trace?.troubles() ?? [],
    members,
    unreadable: badRecordsOf(followed.trace?.at('found') ?? []),
  };
}

/** Where a member comes from: its discovery found it, or it is served for want of what was found. */
export type Source = 'found' | 'remembered' | 'default' | 'held' | 'previous';

/** A member that some step knows. */
export interface TracedMember {
  readonly instance: Instance;
  readonly source: Source;
  /** Why it is not served, where it is not. */
  readonly leftOut?: string;
}

const sentences = {
  remembered: 'remembered from an earlier run',
  default: 'a default server',
  held: 'held back: no longer announced',
  previous: 'previous: nobody is announced any more',
} as const;

/** Every member that some step knows, under the identity that it is served by, and how far it got. */
export function tracedMembers(followed: Followed, service: Service): readonly TracedMember[] {
  const { trace, config } = followed;
  const registryPort = service.registryConfig?.server_port_override;
  const port = registryPort ?? config?.backend_port_override;
  const addressed = (list: readonly Instance[] | undefined) =>
    port === undefined ? list : list?.map((each) => ({ ...each, port }));
  const members = createPortedMembers(config?.default_servers ?? []);
  members.heard(trace?.at('kept') ?? []);
  members.moveTo(registryPort);
  const kept = members.current();
  const served = service.instances ?? service.defaults;
  const lists = [served, kept ?? [], addressed(trace?.at('found')) ?? []];
  const known = new Map(lists.flat().map((each) => [keyOf(each), each]));
  const isServed = among(served);
  const isKept = among(kept);
  const sourceOf = sourcesOf(followed, service, addressed(trace?.at('filtered')));
  return [...known.values()].map((instance) => {
    if (isServed(instance)) return { instance, source: sourceOf(instance) };
    const leftOut = obstacle(instance, followed, isKept(instance));
    return { instance, source: 'found', leftOut };
  });
}

function obstacle(instance: Instance, { config }: Followed, isKept: boolean): string {
  const filter = config && obstacleOf(instance, filtersOf(config.discovery));
  if (filter) return `left out by a label filter: ${sentenceOf(filter, instance)}`;
  if (isKept) return config?.leader_election ? 'not the leader' : 'not served yet';
  if (config?.locality && levelOf(instance, config.locality) > 0)
    return `not needed: ${placeOf(instance, config.locality)}, and enough are nearer`;
  return 'found, but another of the same address and name is served';
}

/** Tells where a served member comes from. */
function sourcesOf(
  { guard, config }: Followed,
  service: Service,
  filtered: readonly Instance[] | undefined,
): (instance: Instance) => Source {
  if (service.instances === undefined) return () => (service.stale ? 'remembered' : 'default');
  const [isHeld, isFound] = [among(guard?.held()?.members), among(filtered)];
  const isDefault = among(config?.default_servers);
  return (instance) => {
    if (isHeld(instance)) return 'held';
    if (filtered === undefined || isFound(instance)) return 'found';
    return isDefault(instance) ? 'default' : 'previous';
  };
}

function among(list: readonly Instance[] | undefined): (instance: Instance) => boolean {
  const keys = new Set(list?.map(keyOf));
  return (instance) => keys.has(keyOf(instance));
}

/** That a member is asked only when those that are nearer are down. */
export function standsBy(instance: Instance, { locality }: Service): string | undefined {
  if (!locality || !levelOf(instance, locality)) return undefined;
  return `stands by: ${placeOf(instance, locality)}`;
}

function placeOf({ labels = {} }: Instance, { from }: Locality): string {
  return Object.hasOwn(labels, from)
    ? `its ${from} is ${JSON.stringify(labels[from])}`
    : `it has no ${from}`;
}

function sentenceOf({ label, condition, value }: LabelFilter, { labels = {} }: Instance): string {
  const own = Object.hasOwn(labels, label) ? `is ${JSON.stringify(labels[label])}` : 'is absent';
  return `${label} ${condition} ${JSON.stringify(value)}, but it ${own}`;
}

function summaryOf({ trace, guard }: Followed, service: Service, served: number): string {
  const found = trace?.at('found');
  const held = guard?.held();
  if (held) {
    const until = new Date(held.until).toISOString();
    return `${held.members.length} of ${served} served are no longer announced; held back until ${until}, or synapse accept ${service.name}`;
  }
  if (service.instances === undefined && service.missing !== undefined)
    return `nobody is announced: ${service.missing}; ${served} served meanwhile`;
  if (service.instances === undefined)
    return found === undefined
      ? `no answer from the discovery yet; ${served} served meanwhile`
      : `heard, but no whole list yet; ${served} served meanwhile`;
  const bad = badRecordsOf(found ?? []).filter(({ isUsual }) => !isUsual).length;
  const unreadable = bad > 0 ? `, ${bad} cannot be read` : '';
  return `${found?.length ?? 0} found${unreadable}, ${served} served`;
}

/** What the proxy makes of a member, or why it is not there. */
function inProxy(
  state: string | undefined,
  { name, haproxy }: Service,
  drivers: readonly ProxyDriver[],
): string {
  if (state === unresolved) return `not in the proxy: ${state}`;
  if (state?.startsWith('not known')) return `in the proxy: ${state}`;
  if (state?.startsWith('not in haproxy')) return `not in the proxy yet${state.slice(14)}`;
  if (state !== undefined) return `in the proxy: ${state}`;
  const refused = drivers
    .flatMap((driver) => refusedBy(driver))
    .find(({ owner }) => owner === name);
  if (refused) return `not in the proxy: quarantined: ${refused.reason}`;
  const none = drivers.map(whyNone).find((why) => why !== undefined);
  if (none !== undefined) return `not proxied: ${none}`;
  if (!haproxy) return 'not proxied: the service has no haproxy section';
  if (haproxy.disabled) return 'not proxied: haproxy.disabled is true';
  const trouble = drivers.map(troubleOf).find((text) => text !== undefined);
  return trouble === undefined ? 'not in the proxy yet' : `not in the proxy: ${trouble}`;
}

/** Why a driver touches no proxy; undefined where it does. */
function whyNone(driver: ProxyDriver): string | undefined {
  const { mode, why } = (statusOf(driver) ?? {}) as { mode?: string; why?: string };
  return mode === 'none' ? why : undefined;
}

/** Why HAProxy is not as desired; undefined where it is, and for other drivers. */
function troubleOf(driver: ProxyDriver): string | undefined {
  if (driver.name !== 'haproxy') return undefined;
  return (statusOf(driver) as { trouble?: string | null } | undefined)?.trouble ?? undefined;
}

/** A member's place as it was announced; IPv6 in brackets. */
function placeOfMember(instance: Instance): string {
  const { host, port } = instance;
  return socketOf(instance) ?? (isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`);
}

interface ShownServer {
  readonly name: string;
  readonly address: string;
  readonly state: string;
}

/** A service's servers in the proxies, by their names: addresses may be looked up or overridden. */
function serversIn(
  drivers: readonly ProxyDriver[],
  service: string,
): ReadonlyMap<string, ShownServer> {
  return new Map(
    drivers.flatMap((driver) => {
      const { services } = (statusOf(driver) ?? {}) as {
        services?: Record<string, { servers?: readonly ShownServer[] }> | number;
      };
      const servers = typeof services === 'object' ? services[service]?.servers : undefined;
      return (servers ?? []).map((server) => [server.name, server] as const);
    }),
  );
}
