import { defaultsOf } from '@smartstack/daemon';
import type { z } from 'zod';

import { addressOf } from '../checks/check.ts';
import { type CheckConfig, checkSchema } from '../checks/table.ts';
import type { ServiceConfig } from './config.ts';
import { defaultsText, type Mapping, mapping, seconds } from './explain-text.ts';

type HttpCheckConfig = Extract<CheckConfig, { type: 'http' | 'https' }>;

/** Explains one check of a service; `own` is the service as it was written. */
export function checkText(
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
  return [
    'rise',
    'fall',
    'timeout',
    'method',
    ...(usesTls(check) ? [] : ['ssl_timeout', 'insecure']),
  ];
}

function actionText(check: CheckConfig, { instance, name }: ServiceConfig): string {
  const at = 'host' in check || 'port' in check ? { ...instance, ...targetOf(check) } : instance;
  const target = addressOf(at);
  switch (check.type) {
    case 'tcp':
      return `connects to ${target}`;
    case 'http':
    case 'https':
      return httpText(check, target);
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

function httpText(check: HttpCheckConfig, target: string): string {
  const unverified = usesTls(check) && check.insecure ? ', whatever its certificate' : '';
  const scheme = usesTls(check) ? 'https' : 'http';
  return `asks ${check.method} ${scheme}://${target}${check.uri}${unverified}`;
}

const usesTls = (check: CheckConfig) => check.type === 'https' || ('ssl' in check && check.ssl);

function optionOf(check: CheckConfig): { readonly shape: Readonly<Record<string, z.ZodType>> } {
  const option = checkSchema.options.find(({ shape }) => shape.type.value === check.type);
  return option ?? { shape: {} };
}

function targetOf({ host, port }: { host?: string | undefined; port?: number | undefined }) {
  return { ...(host !== undefined && { host }), ...(port !== undefined && { port }) };
}

const times = (count: number, one: string, many: string) => `${count} ${count === 1 ? one : many}`;
