import { type Advice, adviceFor, adviceText, defaultsOf } from '@smartstack/daemon';

import { describePlace } from '../announce/reporters/table.ts';
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
  const { name, checks, checkInterval } = service;
  const own = mapping(mapping(mapping(written).services)[name]);
  const every = `every ${seconds(checkInterval)}`;
  const lines = checks.map((check, index) => `  ${every} ${checkText(check, service, own, index)}`);
  return [
    name,
    ...placeTexts(service, config),
    ...(lines.length > 0 ? lines : ['  is announced for as long as nerve runs: it has no checks']),
    ...policyText(service),
    ...defaultsText('  by default ', defaultsOf(serviceSchema, own), explainedAlready),
  ].join('\n');
}

const explainedAlready = [
  'node_type',
  'etcd_port',
  'etcd_path',
  'consul_ttl',
  'consul_deregister_after',
  'flap_damping',
];

function placeTexts({ places, instance }: ServiceConfig, { zookeeper, etcd, ...config }: Config) {
  const about = {
    instanceName: config.instanceId,
    address: addressOf(instance),
    sessionTimeout: zookeeper?.session_timeout ?? 10_000,
    etcd,
  };
  const [only, ...others] = places.map((place) => describePlace(place, about));
  const announced = `  is announced as ${addressOf(instance)}`;
  if (others.length === 0) return [`${announced} ${only}`];
  return [
    `${announced} in ${places.length} registries, in each by itself:`,
    ...[only, ...others].map((text, index) => `    ${places[index]?.registry}: ${text}`),
  ];
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
    config.services.flatMap(({ places }) =>
      places.flatMap((place) => (place.type === 'zookeeper' ? place.address.hosts.join(',') : [])),
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
