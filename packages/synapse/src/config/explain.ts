import { type Advice, adviceFor, adviceText, type StatusAddress } from '@smartstack/daemon';
import type { LabelFilter } from '../discovery/policies/label-filters.ts';
import type { DiscoveryConfig, SingleDiscovery } from '../discovery/table.ts';
import type { ZooKeeperPath } from '../discovery/zookeeper-path.ts';
import { allProxies, defaultProxy, sectionOf } from '../proxies.ts';
import type { ServiceConfig, SynapseConfig } from './config.ts';
import { originals } from './originals.ts';
import { policyOf } from './policy.ts';
import { trafficText } from './policy-text.ts';

/** What a configuration, which is good, means: in plain words, with what is better now. `written` is what the file holds. */
export function explain(config: SynapseConfig, written: unknown): string {
  return [
    `${statusText(config.status_address)} ${proxyText(config)}`,
    ...Object.entries(config.services).map(
      ([name, service]) => `\n${serviceText(name, service, config)}`,
    ),
    adviceText([...sharedEnsemble(config, written), ...adviceFor(rest(config), written)]),
  ]
    .join('\n')
    .trimEnd();
}

function statusText(address: StatusAddress | false): string {
  return address
    ? `Status and members are at http://${address.host}:${address.port}/status and /v1.`
    : 'Status is served nowhere.';
}

/** What the proxies do that are in use, in a sentence each; where none is, what the one does that would be. */
function proxyText(config: SynapseConfig): string {
  const services = Object.values(config.services);
  const used = allProxies.filter(
    ({ name }) =>
      sectionOf(config, name) !== undefined ||
      services.some((service) => sectionOf(service, name) !== undefined),
  );
  return (used.length > 0 ? used : [defaultProxy])
    .map((proxy) =>
      proxy.config.explain(
        sectionOf(config, proxy.name),
        services.map((service) => sectionOf(service, proxy.name)),
      ),
    )
    .join(' ');
}

function serviceText(name: string, service: ServiceConfig, config: SynapseConfig): string {
  return [
    name,
    ...discoveryText(service.discovery, config, name).map((text) => `  ${text}`),
    ...filtersText(service),
    ...whenEmptyText(service),
    ...guardText(service, config),
    `  ${appsText(service, config)}`,
    ...policyText(name, service, config),
  ].join('\n');
}

function discoveryText(
  discovery: DiscoveryConfig,
  config: SynapseConfig,
  service: string,
): readonly string[] {
  if (discovery.method !== 'multi') return [singleText(discovery, config, service)];
  const { watchers, resolver } = discovery;
  return [
    `joins these by ${resolver.method}:`,
    ...Object.entries(watchers).map(
      ([name, part]) => `  ${name}: ${singleText(part, config, service)}`,
    ),
  ];
}

function singleText(discovery: SingleDiscovery, config: SynapseConfig, service: string): string {
  switch (discovery.method) {
    case 'zookeeper':
    case 'zookeeper_poll':
    case 'zookeeper_dns':
    case 'zookeeper_dns_poll':
      return zooKeeperText(discovery, config);
    case 'etcd':
      return `follows the instances registered in etcd at ${(discovery.endpoints ?? config.etcd?.endpoints ?? []).join(',')} under ${config.etcd?.prefix ?? ''}${discovery.path}`;
    case 'file':
      return `follows the instances registered in the folder ${discovery.directory ?? config.registry?.directory} as ${discovery.path ?? service}`;
    case 'dns':
      return `looks up ${discovery.servers.map(({ host }) => host).join(', ')}, at least every ${seconds(discovery.check_interval)}`;
    case 'docker':
      return `asks the engines at ${discovery.servers.map(({ host }) => host).join(', ')} for containers of ${discovery.image_name}`;
    case 'marathon':
      return `asks Marathon at ${discovery.marathon_api_url} for ${discovery.application_name} every ${seconds(discovery.check_interval)}`;
    case 'ec2tag':
      return `asks EC2 for instances with ${discovery.tag_name}=${discovery.tag_value} every ${seconds(discovery.check_interval)}`;
    case 'consul':
      return consulText(discovery, config, service);
    case 'kubernetes':
      return kubernetesText(discovery, config, service);
    case 'base':
      return 'has only its default servers';
  }
}

function consulText(
  discovery: Extract<SingleDiscovery, { readonly method: 'consul' }>,
  config: SynapseConfig,
  service: string,
): string {
  const url = discovery.url ?? config.consul?.url ?? 'http://127.0.0.1:8500';
  if (discovery.query !== undefined)
    return `asks Consul at ${url} for the prepared query ${discovery.query} every ${seconds(discovery.poll_interval)}`;
  const { health, datacenters = [] } = discovery;
  const who = { passing: 'passing', warning: 'passing or warning', any: 'registered' }[health];
  const where = datacenters.length === 0 ? '' : ` in ${datacenters.join(', else ')}`;
  return `follows the ${who} instances of ${discovery.service ?? service} in Consul at ${url}${where}`;
}

function kubernetesText(
  discovery: Extract<SingleDiscovery, { readonly method: 'kubernetes' }>,
  { kubernetes }: SynapseConfig,
  service: string,
): string {
  const { kubeconfig, server, namespace = kubernetes?.namespace } = discovery;
  const asked = kubeconfig ?? server ?? kubernetes?.kubeconfig ?? kubernetes?.server;
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
  const who = asked === undefined ? "the pod's own cluster" : `the cluster of ${asked}`;
  return `follows the EndpointSlices of the Service ${discovery.service ?? service}${where} of ${who}`;
}

function zooKeeperText(
  discovery: Extract<SingleDiscovery, ZooKeeperPath>,
  config: SynapseConfig,
): string {
  const hosts = discovery.hosts ?? config.zookeeper?.hosts ?? [];
  const polls = 'polling_interval_sec' in discovery;
  const follows = polls ? `reads every ${seconds(discovery.polling_interval_sec)}` : 'follows';
  const names = discovery.method.startsWith('zookeeper_dns') ? ', and looks these names up' : '';
  return `${follows} the instances registered in ZooKeeper at ${hosts.join(',')} under ${discovery.path}${names}`;
}

function filtersText(service: ServiceConfig): readonly string[] {
  const { discovery, leader_election: leader, locality } = service;
  const { label_filter: one, label_filters: more = [] } = discovery;
  const filters = [...(one ? [one] : []), ...more];
  const words = filters.map(
    ({ label, condition, value }) => `${label} ${condition} ${valueText(value)}`,
  );
  return [
    ...(words.length > 0 ? [`  keeps only members whose label ${words.join(', and ')}`] : []),
    ...(locality
      ? [
          `  serves those whose label ${locality.from} is ${locality.prefer.join(', else ')}; others ${locality.spill === 'down' ? 'while the proxy has none of them that is up' : `while fewer than ${locality.spill} of them are announced`}`,
        ]
      : []),
    ...(leader ? ['  serves only the member that announced itself first'] : []),
  ];
}

/** A value in words; what could not be seen without quotes has them. */
function valueText(value: LabelFilter['value']): string {
  const shown = (each: string | boolean) =>
    /^\S+$/.test(String(each)) ? String(each) : JSON.stringify(each);
  return [value].flat().map(shown).join(', ');
}

function whenEmptyText(service: ServiceConfig): readonly string[] {
  const { default_servers: servers, discovery } = service;
  const names = servers.map(({ name, host, port }) => name ?? `${host}:${port}`).join(', ');
  if (discovery.method === 'base') return [`  serves ${names || 'no member'}`];
  if (names !== '' && service.keep_default_servers) return [`  serves ${names} beside them`];
  if (names !== '') return [`  serves ${names} while no instance is registered`];
  return service.use_previous_backends
    ? ['  keeps the last members when no instance is registered any more']
    : ['  serves no member when no instance is registered'];
}

function guardText(service: ServiceConfig, config: SynapseConfig): readonly string[] {
  const guard = service.shrink_guard ?? config.shrink_guard;
  if (guard === false || service.discovery.method === 'base') return [];
  return [
    `  holds back a loss of over ${guard.fraction * 100} % of ${guard.min_members} or more members for ${seconds(guard.hold)} while the registry is in trouble`,
  ];
}

function policyText(
  name: string,
  service: ServiceConfig,
  config: SynapseConfig,
): readonly string[] {
  const merged = policyOf(service, config);
  return merged ? [`  ${trafficText(name, merged)}`] : [];
}

/** How apps reach a service by the proxy that serves it; by no proxy, where none does. */
function appsText(service: ServiceConfig, config: SynapseConfig): string {
  const [proxy = defaultProxy] = allProxies.filter(({ name }) => sectionOf(service, name));
  return proxy.config.explainService(sectionOf(service, proxy.name), sectionOf(config, proxy.name));
}

/** One ensemble that several services name is better named once; no other advice is as exact. */
function sharedEnsemble(config: SynapseConfig, written: unknown): readonly Advice[] {
  const services = Object.values(config.services);
  const ensembles = new Set(
    services.flatMap(({ discovery }) =>
      'hosts' in discovery && discovery.hosts ? [discovery.hosts.join(',')] : [],
    ),
  );
  const [only] = ensembles;
  if (ensembles.size !== 1 || services.length < 2) return [];
  const better = `zookeeper: {hosts: [${only}]} at the top names the ensemble once for all services`;
  return adviceFor(
    originals.filter(isHosts).map((key) => ({ ...key, better })),
    written,
  );
}

function rest({ services }: SynapseConfig) {
  return originals.filter((key) => !isHosts(key) || Object.keys(services).length < 2);
}

const isHosts = ({ key }: { readonly key: string }) => key.endsWith('.hosts');
const seconds = (milliseconds: number) => `${milliseconds / 1000} s`;
