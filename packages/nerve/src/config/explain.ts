import { type Advice, adviceFor, adviceText, defaultsOf } from '@smartstack/daemon';
import type { z } from 'zod';

import { addressOf } from '../checks/check.ts';
import { type CheckConfig, checkSchema } from '../checks/table.ts';
import type { Config, ServiceConfig } from './config.ts';
import { originals } from './originals.ts';
import { serviceSchema } from './service-schema.ts';

type Mapping = Readonly<Record<string, unknown>>;

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

function placeText({ place, instance: { name } }: ServiceConfig, { zookeeper }: Config): string {
  const { path } = place;
  if ('ttl' in place) {
    const { host, port } = place.address;
    const folder = `${path === '/' ? '' : path}/${name}`;
    return `in etcd at ${addressOf({ host, port })}, as ${folder}/<number>, gone ${seconds(place.ttl)} after nerve died`;
  }
  if (!('form' in place)) return `in the folder ${place.address.directory}, as ${path}`;
  const { nodeType = 'ephemeral_sequential' } = place.form;
  const node = nodeType.endsWith('sequential') ? `${name}_<sequence>` : name;
  const gone = nodeType.startsWith('persistent')
    ? 'which stays when nerve dies'
    : `gone ${seconds(zookeeper?.session_timeout ?? 10_000)} after nerve died`;
  return `in ZooKeeper at ${place.address.hosts.join(',')}, as ${path}/${node}, ${gone}`;
}

function checkText(
  check: CheckConfig,
  service: ServiceConfig,
  own: Mapping,
  index: number,
): string {
  const { timeout, rise, fall } = check;
  const written = mapping(Array.isArray(own.checks) ? own.checks[index] : undefined);
  return [
    actionText(check, service),
    `    for at most ${seconds(timeout)}; up after ${times(rise, 'pass', 'passes')}, down after ${times(fall, 'failure', 'failures')}`,
    ...defaultsText('    by default ', defaultsOf(optionOf(check), written), hiddenOf(check)),
  ].join('\n');
}

/** Keys that were explained already, or that the check does not use. */
function hiddenOf(check: CheckConfig): readonly string[] {
  const tls = check.type === 'https' || ('ssl' in check && check.ssl);
  return ['rise', 'fall', 'timeout', 'method', ...(tls ? [] : ['ssl_timeout', 'insecure'])];
}

function actionText(check: CheckConfig, { instance, name }: ServiceConfig): string {
  const at = 'host' in check || 'port' in check ? { ...instance, ...targetOf(check) } : instance;
  const target = addressOf(at);
  switch (check.type) {
    case 'tcp':
      return `connects to ${target}`;
    case 'http':
    case 'https': {
      const tls = check.type === 'https' || ('ssl' in check && check.ssl);
      const unverified = tls && check.insecure ? ', whatever its certificate' : '';
      return `asks ${check.method} http${tls ? 's' : ''}://${target}${check.uri}${unverified}`;
    }
    case 'exec':
      return `runs ${Array.isArray(check.command) ? check.command.join(' ') : check.command.shell}`;
    case 'file':
      return `looks for the file ${check.path}`;
    case 'ttl':
      return `expects a report from the service itself every ${seconds(check.ttl)} (PUT /beat/${name})`;
    case 'noop':
      return 'passes';
    case 'module':
      return `runs the module ${check.module}`;
    default:
      return `asks ${check.type} at ${target}`;
  }
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

function defaultsText(
  intro: string,
  defaults: readonly (readonly [string, unknown])[],
  hidden: readonly string[],
): readonly string[] {
  const shown = defaults.filter(([key]) => !hidden.includes(key));
  const text = shown.map(([key, value]) => `${key} ${[value].flat().join(', ')}`).join(', ');
  return text === '' ? [] : [`${intro}${text}`];
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

function optionOf(check: CheckConfig): { readonly shape: Readonly<Record<string, z.ZodType>> } {
  const option = checkSchema.options.find(({ shape }) => shape.type.value === check.type);
  return option ?? { shape: {} };
}

function targetOf({ host, port }: { host?: string | undefined; port?: number | undefined }) {
  return { ...(host !== undefined && { host }), ...(port !== undefined && { port }) };
}

function mapping(value: unknown): Mapping {
  return typeof value === 'object' && value !== null ? (value as Mapping) : {};
}

const seconds = (milliseconds: number) => `${milliseconds / 1000} s`;
const times = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;
