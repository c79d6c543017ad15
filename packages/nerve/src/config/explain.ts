import { type Advice, adviceFor, adviceText, defaultsOf } from '@smartstack/daemon';

import { addressOf } from '../checks/check.ts';
import type { Config, ServiceConfig } from './config.ts';
import { checkText } from './explain-check.ts';
import { defaultsText, mapping, seconds } from './explain-text.ts';
import { originals } from './originals.ts';
import { serviceSchema } from './service-schema.ts';

/** Explains a valid configuration in plain words, with advice on better keys. `written` is the content of the file. */
export function explain(config: Config, written: unknown): string {
  const { instanceId, statusAddress, stateDirectory } = config;
  return [
    `This machine is ${instanceId}. ${statusAddress ? `Its status is at http://${addressOf(statusAddress)}/status` : 'Its status is served nowhere'}; nerve keeps ${stateDirectory === false ? 'nothing over restarts' : `its state in ${stateDirectory}`}.`,
    ...config.services.map((service) => `\n${serviceText(service, config, written)}`),
    adviceText([...sharedEnsemble(config, written), ...adviceFor(rest(config), written)]),
  ]
    .join('\n')
    .trimEnd();
}

function serviceText(service: ServiceConfig, config: Config, written: unknown): string {
  const { name, instance, checks, checkInterval } = service;
  const own = mapping(mapping(mapping(written).services)[name]);
  const every = `every ${seconds(checkInterval)}`;
  const lines = checks.map((check, index) => `  ${every} ${checkText(check, service, own, index)}`);
  return [
    name,
    `  is announced as ${addressOf(instance)} ${placeText(service, config)}`,
    ...(lines.length > 0 ? lines : ['  is announced for as long as nerve runs: it has no checks']),
    ...policyText(service),
    ...defaultsText('  by default ', defaultsOf(serviceSchema, own), explainedAlready),
  ].join('\n');
}

const explainedAlready = ['node_type', 'etcd_port', 'etcd_path', 'flap_damping'];

function placeText({ place, instance }: ServiceConfig, { zookeeper, etcd }: Config): string {
  const { path } = place;
  const { name } = instance;
  if ('ttl' in place) {
    const { host, port } = place.address;
    const folder = `${path === '/' ? '' : path}/${name}`;
    return `in etcd at ${addressOf({ host, port })}, as ${folder}/<number>, gone ${seconds(place.ttl)} after nerve died`;
  }
  if (place.address.type === 'etcd') {
    const key = `${etcd?.prefix ?? ''}${path}/${name}-${addressOf(instance)}`;
    return `in etcd at ${place.address.endpoints.join(',')}, as ${key}, gone ${seconds(etcd?.lease_ttl ?? 10_000)} after nerve died`;
  }
  if (!('form' in place)) return `in the folder ${place.address.directory}, as ${path}`;
  const { nodeType = 'ephemeral_sequential' } = place.form;
  const node = nodeType.endsWith('sequential') ? `${name}_<sequence>` : name;
  const gone = nodeType.startsWith('persistent')
    ? 'which stays when nerve dies'
    : `gone ${seconds(zookeeper?.session_timeout ?? 10_000)} after nerve died`;
  return `in ZooKeeper at ${place.address.hosts.join(',')}, as ${path}/${node}, ${gone}`;
}

function policyText({ policy, instance }: ServiceConfig): readonly string[] {
  const { flapDamping, startGrace, warmup, rateLimit } = policy;
  return [
    ...(flapDamping
      ? [
          `  is held back for ${seconds(flapDamping.hold)} and more after over ${flapDamping.changes} changes within ${seconds(flapDamping.window)}; leaving is never delayed`,
        ]
      : []),
    ...(startGrace > 0 ? [`  may fail for ${seconds(startGrace)} after nerve's start`] : []),
    ...(warmup ? [`  grows to weight ${instance.weight} within ${seconds(warmup)}`] : []),
    ...(rateLimit
      ? [
          `  is announced at most ${rateLimit.averageRate} times a second${rateLimit.shadow ? ' (only counted: shadow_mode)' : ''}`,
        ]
      : []),
  ];
}

/** Advice to name an ensemble once that several services name, in place of the advice for each of them. */
function sharedEnsemble(config: Config, written: unknown): readonly Advice[] {
  const ensembles = new Set(
    config.services.flatMap(({ place: { address } }) =>
      address.type === 'zookeeper' ? [address.hosts.join(',')] : [],
    ),
  );
  const [only] = ensembles;
  if (ensembles.size !== 1 || config.services.length < 2) return [];
  return adviceFor(
    originals
      .filter(({ key }) => key.endsWith('.zk_hosts'))
      .map((key) => ({
        ...key,
        better: `zookeeper: {hosts: [${only}]} at the top names the ensemble once for all services`,
      })),
    written,
  );
}

function rest(config: Config) {
  return originals.filter(({ key }) => !key.endsWith('.zk_hosts') || config.services.length < 2);
}
