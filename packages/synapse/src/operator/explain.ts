import { isIPv6 } from 'node:net';

import { written } from '@smartstack/policy';
import {
  type ProxyDriver,
  type ProxyKind,
  type ProxyStatus,
  refusedBy,
  type Service,
  type ShownServer,
  statusOf,
} from '@smartstack/proxy';
import { type BadRecord, badRecordsOf, type Instance, sourceOf } from '@smartstack/registry';

import { trafficText } from '../config/policy-text.ts';
import type { Trouble } from '../discovery/trace.ts';
import { allProxies, defaultProxy } from '../proxies.ts';
import type { Followed } from '../reconcile/follower.ts';
import { standsBy, type TracedMember, tracedMembers } from '../reconcile/traced.ts';

/** How far one member got. */
export interface ExplainedMember {
  readonly address: string;
  readonly name: string | null;
  readonly served: boolean;
  /** Its record in the registry and that one's revision; absent where it has none. */
  readonly record?: string;
  /** Which watchers of a `multi` found it; absent for another discovery. */
  readonly watchers?: readonly string[];
  /** Where it stopped and why, or what the proxy makes of it. */
  readonly why: string;
}

/** How far a service's members got on their way from discovery to proxy. */
export interface Explanation {
  readonly service: string;
  readonly configured_at: string;
  readonly method: string;
  /** One sentence about the whole. */
  readonly summary: string;
  /** What the ZooKeeper path's own data sets in the service's sections, as it is used. */
  readonly registry_config?: object;
  /** What happens to its traffic, in a sentence. */
  readonly traffic?: string;
  /** Why the policy that its registry says is not in force; absent where it is. */
  readonly policy_refused?: readonly string[];
  /** Which parts of its discovery do not answer now, and why; their last answers stand. */
  readonly troubles: readonly Trouble[];
  readonly members: readonly ExplainedMember[];
  /** Records in the registry that are no members, and why. */
  readonly unreadable: readonly BadRecord[];
}

const staleText = '; what its registry says of it is remembered from an earlier run';
const notFollowed = 'cannot be followed; trying again';

const sentences = {
  saved: 'remembered from an earlier run',
  default: 'a default server',
  held: 'held back: no longer announced',
  previous: 'previous: no instance is registered any more',
} as const;

/** The proxy that serves a service, and its servers. */
interface Serving {
  readonly proxy: ProxyKind;
  readonly driver: ProxyDriver;
  readonly status: ProxyStatus;
  readonly servers: ReadonlyMap<string, ShownServer>;
}

/** What of a service does not go as its registry says. */
export interface Hindrances {
  /** Why it cannot be followed for now. */
  readonly failure?: string | undefined;
  /** Why the policy that its registry says is not in force. */
  readonly refusedPolicy?: readonly string[];
}

/** Says of every member that was found, is served or stands in the proxy how far it got, and why no further. */
export function explain(
  followed: Followed,
  service: Service,
  drivers: readonly ProxyDriver[],
  { failure, refusedPolicy = [] }: Hindrances = {},
): Explanation {
  const serving = servingOf(service, drivers);
  const traced = tracedMembers(followed, service);
  const members = [
    ...traced.map((one) => explained(one, service, serving)),
    ...leftMembers(traced, serving),
  ];
  const summary = summaryOf(followed, service, members.filter(({ served }) => served).length);
  return {
    service: service.name,
    configured_at: service.origin,
    method: followed.config?.discovery.method ?? 'unknown',
    summary: failure === undefined ? summary : `${notFollowed}: ${failure}; ${summary}`,
    registry_config: {
      ...Object.assign({}, ...Object.values(service.registryConfig ?? {})),
      ...(service.registryPolicy && { policy: written(service.registryPolicy) }),
    },
    ...(service.policy && {
      traffic: `${trafficText(service.name, service.policy)}${service.stalePolicy ? staleText : ''}`,
    }),
    ...(refusedPolicy.length > 0 && { policy_refused: refusedPolicy }),
    troubles: followed.trace?.troubles() ?? [],
    members,
    unreadable: badRecordsOf(followed.trace?.at('found') ?? []),
  };
}

/** Servers that stand in the proxy and are no members any more. */
function leftMembers(
  traced: readonly TracedMember[],
  serving: Serving | undefined,
): readonly ExplainedMember[] {
  const names = new Set(traced.map(({ instance }) => serverName(serving, instance)));
  if (!serving) return [];
  return [...serving.servers].flatMap(([name, { address, state }]) => {
    if (names.has(name) || serving.proxy.view.meaningOf(state) !== 'leaving') return [];
    const why = `no longer announced; in the proxy: ${state}`;
    return [{ address, name: null, served: false, why }];
  });
}

function explained(
  { instance, source, leftOut, watchers }: TracedMember,
  service: Service,
  serving: Serving | undefined,
): ExplainedMember {
  const record = sourceOf(instance);
  const member = {
    address: placeOfMember(instance),
    name: instance.name ?? null,
    ...(record !== undefined && { record }),
    ...(watchers && { watchers }),
  };
  if (leftOut !== undefined) return { ...member, served: false, why: leftOut };
  const because = source === 'found' ? undefined : sentences[source];
  const server = serving?.servers.get(serverName(serving, instance));
  const inProxy = serving?.proxy.view.explain({
    state: server?.state,
    ejected: server?.ejected,
    own: service.own?.[serving.proxy.name],
    status: serving.status,
    refused: refusedBy(serving.driver).find(({ owner }) => owner === service.name),
  });
  const why = [because, standsBy(instance, service), inProxy?.why].filter(Boolean).join('; ');
  return { ...member, served: inProxy?.served ?? true, why };
}

/** The proxy that serves a service, or would serve it. */
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
