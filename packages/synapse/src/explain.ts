import { type BadRecord, badRecordsOf, type Instance, keyOf } from '@smartstack/registry';

import { filtersOf, type LabelFilter, obstacleOf } from './discovery/policies/label-filters.ts';
import { type Locality, levelOf } from './discovery/policies/locality.ts';
import type { Followed } from './followers.ts';
import type { ProxyDriver } from './proxies/proxy.ts';
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
  readonly members: readonly ExplainedMember[];
  /** Records in the registry that are no members, and why. */
  readonly unreadable: readonly BadRecord[];
}

/** Says of every member that was found, is served or stands in the proxy where it stopped and why. */
export function explain(
  followed: Followed,
  service: Service,
  drivers: readonly ProxyDriver[],
): Explanation {
  const known = membersOf(followed, service);
  const servers = serversIn(drivers, service.name);
  const members = [...known.values()].map((instance) => {
    const reason = leftOut(instance, followed, service);
    return {
      address: `${instance.host}:${instance.port}`,
      name: instance.name ?? null,
      served: reason === undefined,
      why: reason ?? servedAs(instance, followed, service, servers),
    };
  });
  const method = followed.config?.discovery.method ?? 'unknown';
  return {
    service: service.name,
    configured_at: service.origin,
    method,
    summary: summaryOf(followed, service, members.filter(({ served }) => served).length),
    members,
    unreadable: badRecordsOf(followed.trace?.at('found') ?? []),
  };
}

type Servers = ReadonlyMap<string, string>;

/** Every member that some step knows, as it was found, under the identity that it is served by. */
function membersOf({ trace, config }: Followed, service: Service): ReadonlyMap<string, Instance> {
  const port = config?.backend_port_override;
  const found = (trace?.at('found') ?? []).map((each) =>
    port === undefined ? each : { ...each, port },
  );
  const served = service.instances ?? service.defaults;
  return new Map(
    [...served, ...(trace?.at('kept') ?? []), ...found].map((each) => [keyOf(each), each]),
  );
}

function leftOut(
  instance: Instance,
  { trace, config }: Followed,
  service: Service,
): string | undefined {
  const served = service.instances ?? service.defaults;
  const has = (list: readonly Instance[] | undefined) =>
    list?.some((each) => keyOf(each) === keyOf(instance)) ?? false;
  if (has(served)) return undefined;
  const filter = config && obstacleOf(instance, filtersOf(config.discovery));
  if (filter) return `left out by a label filter: ${sentenceOf(filter, instance)}`;
  if (has(trace?.at('kept'))) return config?.leader_election ? 'not the leader' : 'not served yet';
  if (config?.locality && levelOf(instance, config.locality) > 0)
    return `not needed: ${placeOf(instance, config.locality)}, and enough are nearer`;
  return 'found, but another of the same address and name is served';
}

function servedAs(
  instance: Instance,
  { trace, guard, config }: Followed,
  service: Service,
  servers: Servers,
): string {
  const same = (each: Instance) => keyOf(each) === keyOf(instance);
  const state = servers.get(`${instance.host}:${instance.port}`);
  const proxy =
    state === undefined ? 'not in the proxy yet, or not proxied' : `in the proxy: ${state}`;
  const because = () => {
    if (service.instances === undefined)
      return service.stale ? 'remembered from an earlier run' : 'a default server';
    if (guard?.held()?.members.some(same)) return 'held back: no longer announced';
    const port = config?.backend_port_override;
    const found = trace
      ?.at('filtered')
      ?.map((each) => (port === undefined ? each : { ...each, port }));
    if (found === undefined || found.some(same)) return undefined;
    return config?.default_servers.some(same)
      ? 'a default server'
      : 'previous: nobody is announced any more';
  };
  const far = service.locality && levelOf(instance, service.locality);
  const stands = service.locality && far ? `stands by: ${placeOf(instance, service.locality)}` : '';
  return [because(), stands, proxy].filter(Boolean).join('; ');
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
  if (service.instances === undefined)
    return found === undefined
      ? `the discovery was not heard yet; ${served} served meanwhile`
      : `heard, but no whole list yet; ${served} served meanwhile`;
  const bad = badRecordsOf(found ?? []).length;
  const unreadable = bad > 0 ? `, ${bad} cannot be read` : '';
  return `${found?.length ?? 0} found${unreadable}, ${served} served`;
}

/** The states of a service's servers in the proxies, by address. */
function serversIn(drivers: readonly ProxyDriver[], service: string): Servers {
  return new Map(
    drivers.flatMap((driver) => {
      const { services } = (driver.status() ?? {}) as {
        services?:
          | Record<string, { servers?: readonly { address: string; state: string }[] }>
          | number;
      };
      const servers = typeof services === 'object' ? services[service]?.servers : undefined;
      return (servers ?? []).map(({ address, state }) => [address, state] as const);
    }),
  );
}
