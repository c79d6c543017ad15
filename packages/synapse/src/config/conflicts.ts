import type { MergedPolicy } from '@smartstack/policy';
import type { ConfiguredService, Problem } from '@smartstack/proxy';
import { clusterProblem } from '../discovery/kubernetes.ts';
import { partsOf, problemOf, type SingleDiscovery } from '../discovery/table.ts';
import { allProxies, sectionOf } from '../proxies.ts';
import { copiesOf } from './load-test.ts';
import { policyOf, protocolOf } from './policy.ts';
import { policyConflicts } from './policy-problems.ts';
import { portProblems } from './port-problems.ts';
import type { ServiceConfig, SynapseConfig } from './schema.ts';

/** What is wrong with keys that are each right: with one another, or for what they leave out. */
export function conflicts(config: SynapseConfig): readonly Problem[] {
  return [
    ...discoveryProblems(config),
    ...policyConflicts(config),
    ...portProblems(config),
    ...proxyProblems(config),
  ];
}

function discoveryProblems({
  services,
  zookeeper,
  etcd,
  registry,
}: SynapseConfig): readonly Problem[] {
  return Object.entries(services).flatMap(([name, service]): readonly Problem[] => {
    const path = ['services', name, 'discovery'];
    const whole = problemOf(service.discovery);
    const port = service.backend_port_override;
    const parts = partsOf(service.discovery).flatMap(([below, part]): readonly Problem[] => {
      const problem = partProblem(part, {
        zookeeper: zookeeper !== undefined,
        etcd: etcd !== undefined,
        registry: registry !== undefined,
        port: port !== undefined,
      });
      return problem === undefined ? [] : [[[...path, ...below], problem]];
    });
    return whole === undefined ? parts : [[path, whole], ...parts];
  });
}

function consulProblem(part: Extract<SingleDiscovery, { method: 'consul' }>): string | undefined {
  if (part.service !== undefined && part.query !== undefined)
    return 'has either a service or a query';
  if (part.token !== undefined && part.token_file !== undefined)
    return 'has either a token or a token_file';
  return part.tls !== undefined && part.url !== undefined && !part.url.startsWith('https:')
    ? 'has tls without an https url'
    : undefined;
}

type Given = Readonly<Record<'zookeeper' | 'etcd' | 'registry' | 'port', boolean>>;

/** What a discovery lacks, given what the rest of the configuration gives. */
function partProblem(part: SingleDiscovery, given: Given): string | undefined {
  const noPort = 'no port is known for its members; set backend_port_override';
  switch (part.method) {
    case 'zookeeper':
    case 'zookeeper_poll':
    case 'zookeeper_dns':
    case 'zookeeper_dns_poll':
      return part.hosts || given.zookeeper
        ? undefined
        : 'no ZooKeeper to ask; give hosts here or zookeeper.hosts for all services';
    case 'etcd':
      return part.endpoints || given.etcd
        ? undefined
        : 'no etcd to ask; give endpoints here or etcd.endpoints for all services';
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
    case 'consul':
      return consulProblem(part);
    case 'kubernetes':
      return clusterProblem(part);
    case 'base':
    case 'docker':
    case 'marathon':
      return undefined;
  }
}

/**
 * What each proxy has against the services' sections of its own; with `only`, against another policy of one
 * service, the others' left out.
 */
export function proxyProblems(
  config: SynapseConfig,
  only?: { readonly service: string; readonly policy: MergedPolicy },
): readonly Problem[] {
  const policyFor = (name: string, service: ServiceConfig) => {
    if (!only) return policyOf(service, config);
    return name === only.service ? only.policy : undefined;
  };
  return allProxies.flatMap(({ name, config: proxy }) =>
    proxy.problems(sectionOf(config, name), configuredServices(config, name, policyFor)),
  );
}

/** All services as a proxy sees them. */
export function configuredServices(
  config: SynapseConfig,
  proxy: string,
  policyFor: (name: string, service: ServiceConfig) => MergedPolicy | undefined,
): ReadonlyMap<string, ConfiguredService<unknown>> {
  return new Map(
    Object.entries(config.services).map(([name, service]) => [
      name,
      {
        own: sectionOf(service, proxy),
        locality: service.locality,
        policy: policyFor(name, service),
        protocol: protocolOf(service, config),
        copies: copiesOf(name, service).map(([copy, each]) => ({
          name: copy,
          own: sectionOf(each, proxy),
        })),
      },
    ]),
  );
}
