import { join } from 'node:path';

import type { Host } from './lan.ts';

/** One copy of a service on one VM. */
export interface Member {
  readonly service: string;
  readonly address: string;
}

/** As HAProxy's backends and servers name it: `service host:port`. */
export const nameOf = ({ service, address }: Member) => `${service} ${address}:${portOf(service)}`;

/** What every VM has in common. */
export interface Town {
  readonly services: readonly string[];
  /** Requests a second that each VM sends. */
  readonly rate: number;
  readonly directory: string;
  /** A daemon's configuration on one VM. */
  config(part: 'nerve' | 'synapse', host: Host, members: readonly Member[]): object;
}

/** Milliseconds after which ZooKeeper forgets who is silent. */
export const sessionTimeout = 6_000;

/** The port of a service on the address of each VM that has it, and the local one where it is called. */
export const portOf = (service: string) => 8_000 + numberOf(service);
export const localPortOf = (service: string) => 3_000 + numberOf(service);
const numberOf = (service: string) => Number(service.replace('service-', ''));

/** Where a VM's synapse answers, also to this machine. */
export const statusOf = ({ address }: Host) => `${address}:9102`;

/** So many services that each has at least two copies left when any one VM is away. */
export function servicesFor(vms: number): readonly string[] {
  const count = Math.max(2, Math.min(6, Math.floor(vms / 3) + 1));
  return Array.from({ length: count }, (_, index) => `service-${index}`);
}

/** The two services of a VM. */
export function membersOf(host: Host, index: number, services: readonly string[]) {
  return [0, 1].map((offset): Member => {
    const service = services[(index + offset) % services.length] as string;
    return { service, address: host.address };
  });
}

/** What a user of the README would write. */
export function planTown(
  zookeeper: readonly string[],
  plan: Pick<Town, 'services' | 'rate' | 'directory'>,
): Town {
  const registry = { zookeeper: { hosts: zookeeper, session_timeout: sessionTimeout / 1_000 } };
  const path = (service: string) => `/services/${service}`;
  const nerve = (host: Host, members: readonly Member[]) => ({
    instance_id: host.name,
    services: Object.fromEntries(
      members.map(({ service, address }) => [
        service,
        {
          host: address,
          port: portOf(service),
          zk_path: path(service),
          check_interval: 0.5,
          checks: [{ type: 'http', uri: '/health', timeout: 1, rise: 1, fall: 2 }],
        },
      ]),
    ),
  });
  const synapse = (host: Host) => ({
    status_address: statusOf(host),
    snapshot_file: join(plan.directory, host.name, 'snapshot.json'),
    haproxy: { run_directory: join(plan.directory, host.name, 'run') },
    services: Object.fromEntries(
      plan.services.map((service) => [
        service,
        {
          discovery: { method: 'zookeeper', path: path(service) },
          haproxy: {
            port: localPortOf(service),
            server_options: 'check inter 2s fall 3 rise 2',
            listen: ['mode http', 'option httpchk GET /health'],
            frontend: ['log stderr format raw daemon', `log-format "${logFormat}"`],
          },
        },
      ]),
    ),
  });
  return {
    ...plan,
    config: (part, host, members) => ({
      ...registry,
      ...(part === 'nerve' ? nerve(host, members) : synapse(host)),
    }),
  };
}

/** Path, backend, server, how it ended, status, retries (`+` before it: on another server), times. */
const logFormat = 'request %HU %b %s %tsc %ST %rc %Tw/%Tc/%Tr/%Ta';
