import { isIPv6 } from 'node:net';

import {
  type ProxyDriver,
  type ProxyKind,
  type ProxyStatus,
  refusedBy,
  type Service,
  type ShownServer,
  statusOf,
} from '@smartstack/proxy';
import { type BadRecord, badRecordsOf, type Instance } from '@smartstack/registry';

import type { Trouble } from '../discovery/trace.ts';
import { allProxies, defaultProxy } from '../proxies.ts';
import type { Followed } from '../reconcile/follower.ts';
import { standsBy, type TracedMember, tracedMembers } from '../reconcile/traced.ts';

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
  /** What the ZooKeeper path's own data sets in the service's sections, as it is used. */
  readonly registry_config?: object;
  /** Which parts of its discovery cannot be asked now, and why; what was known of them stands. */
  readonly troubles: readonly Trouble[];
  readonly members: readonly ExplainedMember[];
  /** Records in the registry that are no members, and why. */
  readonly unreadable: readonly BadRecord[];
}

const sentences = {
  remembered: 'remembered from an earlier run',
  default: 'a default server',
  held: 'held back: no longer announced',
  previous: 'previous: no instance is registered any more',
} as const;

/** Who serves a service, and what it says of it. */
interface Serving {
  readonly proxy: ProxyKind;
  readonly driver: ProxyDriver;
  readonly status: ProxyStatus;
  readonly servers: ReadonlyMap<string, ShownServer>;
}

/** Says of every member that was found, is served or stands in the proxy where it stopped and why. */
export function explain(
  followed: Followed,
  service: Service,
  drivers: readonly ProxyDriver[],
  failure?: string,
): Explanation {
  const serving = servingOf(service, drivers);
  const traced = tracedMembers(followed, service);
  const members = traced.map((one) => explained(one, service, serving));
  const names = new Set(traced.map(({ instance }) => serverName(serving, instance)));
  for (const [name, { address, state }] of serving?.servers ?? [])
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
      ...(failure === undefined ? [] : [`cannot be followed; trying again: ${failure}`]),
      summaryOf(followed, service, members.filter(({ served }) => served).length),
    ].join('; '),
    registry_config: Object.assign({}, ...Object.values(service.registryConfig ?? {})),
    troubles: followed.trace?.troubles() ?? [],
    members,
    unreadable: badRecordsOf(followed.trace?.at('found') ?? []),
  };
}

function explained(
  { instance, source, leftOut }: TracedMember,
  service: Service,
  serving: Serving | undefined,
): ExplainedMember {
  const member = { address: placeOfMember(instance), name: instance.name ?? null };
  if (leftOut !== undefined) return { ...member, served: false, why: leftOut };
  const because = source === 'found' ? undefined : sentences[source];
  const server = serving?.servers.get(serverName(serving, instance));
  const inProxy = serving?.proxy.view.explain({
    state: server?.state,
    ejected: server?.ejected,
    service,
    own: service.own?.[serving.proxy.name],
    status: serving.status,
    refused: refusedBy(serving.driver).find(({ owner }) => owner === service.name),
  });
  const why = [because, standsBy(instance, service), inProxy?.why].filter(Boolean).join('; ');
  return { ...member, served: inProxy?.served ?? true, why };
}

/** The proxy that serves a service; the one that would, where none does. */
function servingOf(service: Service, drivers: readonly ProxyDriver[]): Serving | undefined {
  const proxy = allProxies.find(({ name }) => service.own?.[name]) ?? defaultProxy;
  const driver = drivers.find(({ name }) => name === proxy.name);
  if (!driver) return undefined;
  const status: ProxyStatus = statusOf(driver);
  const servers = status.services?.[service.name]?.servers ?? [];
  return { proxy, driver, status, servers: new Map(servers.map((one) => [one.name, one])) };
}

function serverName(serving: Serving | undefined, instance: Instance): string {
  return (serving?.proxy ?? defaultProxy).view.serverName(instance);
}

function summaryOf({ trace, guard }: Followed, service: Service, served: number): string {
  const found = trace?.at('found');
  const held = guard?.held();
  if (held) {
    const until = new Date(held.until).toISOString();
    return `${held.members.length} of ${served} served are no longer announced; held back until ${until}, or synapse accept ${service.name}`;
  }
  if (service.instances === undefined && service.missing !== undefined)
    return `no instance is registered: ${service.missing}; ${served} served meanwhile`;
  if (service.instances === undefined)
    return found === undefined
      ? `no answer from the discovery yet; ${served} served meanwhile`
      : `heard, but no whole list yet; ${served} served meanwhile`;
  const bad = badRecordsOf(found ?? []).filter(({ isUsual }) => !isUsual).length;
  const unreadable = bad > 0 ? `, ${bad} cannot be read` : '';
  return `${found?.length ?? 0} found${unreadable}, ${served} served`;
}

/** A member's place as it was announced; IPv6 in brackets, a UNIX socket by its path. */
function placeOfMember({ host, port }: Instance): string {
  if (typeof port === 'string') return `${host}@${port}`;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}
