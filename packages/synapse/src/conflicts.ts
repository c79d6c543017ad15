import type { z } from 'zod';

import { copiesOf } from './copies.ts';
import { partsOf, problemOf, type SingleDiscovery } from './discovery/table.ts';
import { isProxyName, sectionOf } from './proxies/haproxy/index.ts';
import { spillName } from './proxies/levels.ts';
import type { readKeys } from './schema.ts';

type Problem = readonly [path: readonly string[], message: string];
type Unchecked = z.output<typeof readKeys>;

/** What is wrong with keys that are each right: with one another, or for what they leave out. */
export function conflicts(config: Unchecked): readonly Problem[] {
  return [
    ...discoveryProblems(config),
    ...nameProblems(config),
    ...backendProblems(config),
    ...portProblems(config),
    ...localityProblems(config),
  ];
}

function discoveryProblems({ services, zookeeper, registry }: Unchecked): readonly Problem[] {
  return Object.entries(services).flatMap(([name, service]): readonly Problem[] => {
    const path = ['services', name, 'discovery'];
    const whole = problemOf(service.discovery);
    const port = service.backend_port_override;
    const parts = partsOf(service.discovery).flatMap(([below, part]): readonly Problem[] => {
      const problem = partProblem(part, {
        zookeeper: zookeeper !== undefined,
        registry: registry !== undefined,
        port: port !== undefined,
      });
      return problem === undefined ? [] : [[[...path, ...below], problem]];
    });
    return whole === undefined ? parts : [[path, whole], ...parts];
  });
}

type Given = Readonly<Record<'zookeeper' | 'registry' | 'port', boolean>>;

/** What a discovery lacks, given what the rest of the configuration gives. */
function partProblem(part: SingleDiscovery, given: Given): string | undefined {
  const noPort = 'nobody says which port members listen on; give backend_port_override';
  switch (part.method) {
    case 'zookeeper':
    case 'zookeeper_poll':
    case 'zookeeper_dns':
    case 'zookeeper_dns_poll':
      return part.hosts || given.zookeeper
        ? undefined
        : 'no ZooKeeper to ask; give hosts here or zookeeper.hosts for all services';
    case 'file':
      return part.directory || given.registry
        ? undefined
        : 'no folder to read; give directory here or registry.directory for all services';
    case 'dns':
      return given.port || part.servers.every(({ port, host }) => port || host.startsWith('_'))
        ? undefined
        : noPort;
    case 'ec2tag':
      return given.port ? undefined : noPort;
    case 'base':
    case 'docker':
    case 'marathon':
      return undefined;
  }
}

/** A frontend and a backend are called as their service is. */
function nameProblems({ services }: Unchecked): readonly Problem[] {
  return Object.entries(services).flatMap(([name, { haproxy }]): readonly Problem[] => {
    if (!haproxy || haproxy.disabled || isProxyName(name)) return [];
    if (haproxy.port === undefined && haproxy.backend_name !== undefined) return [];
    const fix =
      haproxy.port === undefined ? 'rename it, or give it a haproxy.backend_name' : 'rename it';
    return [
      [
        ['services', name],
        `HAProxy cannot have this name, only letters, digits and ._:- in one; ${fix}`,
      ],
    ];
  });
}

/** Two services with one backend would be told each other's members: each is told of the other. */
function backendProblems({ services }: Unchecked): readonly Problem[] {
  const owners = new Map<string, Set<string>>();
  for (const [name, service] of Object.entries(services))
    for (const [copy, { haproxy }] of copiesOf(name, service)) {
      if (!haproxy || haproxy.disabled) continue;
      const backend = haproxy.backend_name ?? copy;
      owners.set(backend, (owners.get(backend) ?? new Set()).add(name));
    }
  return [...owners].flatMap(([backend, names]) =>
    [...names].flatMap((name): readonly Problem[] => {
      const others = [...names].filter((other) => other !== name);
      if (others.length === 0) return [];
      const path = ['services', name];
      const isWritten = services[name]?.haproxy?.backend_name !== undefined;
      const message = `its backend ${backend} is that of services.${others.join(', services.')} too; give one of them another haproxy.backend_name`;
      return [[isWritten ? [...path, 'haproxy', 'backend_name'] : path, message]];
    }),
  );
}

function portProblems({ services, haproxy }: Unchecked): readonly Problem[] {
  const taken = new Map<number, { readonly name: string; readonly address: string }[]>();
  return Object.entries(services).flatMap(([name, service]): readonly Problem[] => {
    const { port, bind_address: own, disabled } = service.haproxy ?? {};
    if (port === undefined || port === null || disabled) return [];
    const address = own ?? sectionOf(haproxy)?.bind_address ?? 'localhost';
    const others = taken.get(port) ?? [];
    taken.set(port, [...others, { name, address }]);
    const other = others.find((each) => overlap(each.address, address));
    if (!other) return [];
    const message = `${port} on ${address} is taken by services.${other.name}`;
    return [[['services', name, 'haproxy', 'port'], message]];
  });
}

/** Only a frontend can choose among backends. */
function localityProblems({ services }: Unchecked): readonly Problem[] {
  return Object.entries(services).flatMap(([name, { locality, haproxy }]): readonly Problem[] => {
    if (locality?.spill !== 'down' || !haproxy) return [];
    if (haproxy.port === undefined)
      return [
        [
          ['services', name, 'locality', 'spill'],
          'down needs haproxy.port, for only a frontend of its own can choose; members<N does not',
        ],
      ];
    if (haproxy.shared_frontend)
      return [
        [
          ['services', name, 'locality', 'spill'],
          'down chooses in a frontend of its own, not in a shared_frontend; members<N does for both',
        ],
      ];
    const taken = locality.prefer
      .map((_, level) => spillName(name, level + 1))
      .find((own) => Object.hasOwn(services, own));
    if (taken === undefined) return [];
    return [[['services', taken], `is what ${name}'s locality names its members further away`]];
  });
}

function overlap(a: string, b: string): boolean {
  const [first, second] = [normal(a), normal(b)];
  return first === second || first === '*' || second === '*';
}

function normal(address: string): string {
  if (['*', '0.0.0.0', '::', ''].includes(address)) return '*';
  return address === 'localhost' ? '127.0.0.1' : address;
}
