import { isIP } from 'node:net';

import { originOf } from '@smartstack/policy';
import type { ConfiguredService, Problem } from '@smartstack/proxy';

import { badOperator } from '../policy/log-format.ts';
import type { EnvoyConfig, EnvoyService } from './config.ts';
import { isOff, listensAt, sectionOf } from './section.ts';
import { isLoopback } from './values.ts';

type Services = ReadonlyMap<string, ConfiguredService<EnvoyService>>;

/** What is wrong with the section, and with services' sections together. */
export function problems(top: EnvoyConfig | undefined, services: Services): readonly Problem[] {
  if (isOff(top)) return [];
  const section = sectionOf(top);
  return [
    ...(section ? sectionProblems(section) : []),
    ...[...services].flatMap(([name, { own }]) => serviceProblems(name, own, top)),
    ...[...services.keys()].flatMap((name) => nameProblems(name, services)),
    ...formatProblems(services),
  ];
}

function sectionProblems(section: EnvoyConfig): readonly Problem[] {
  const { managed, xds, bind_address: bound, admin } = section;
  const at = (...path: string[]) => ['envoy', ...path];
  return [
    ...(isAddress(bound) ? [] : [[at('bind_address'), noName(bound)] as const]),
    ...(managed && xds.socket === false
      ? [[at('xds', 'socket'), 'is false, and an Envoy that synapse runs is served there'] as const]
      : []),
    ...(managed && admin !== undefined && !isOwn(admin)
      ? [
          [
            at('admin'),
            'is no loopback address: whoever reaches it can end Envoy; use a UNIX socket, or 127.0.0.1',
          ] as const,
        ]
      : []),
  ];
}

function serviceProblems(
  name: string,
  own: EnvoyService | undefined,
  top: EnvoyConfig | undefined,
): readonly Problem[] {
  if (!own || own.disabled) return [];
  if (own.bind_address !== undefined && !isAddress(own.bind_address))
    return [[['services', name, 'bind_address'], noName(own.bind_address)]];
  const { xds } = sectionOf(top) ?? {};
  const listener = listensAt(own, top);
  return xds?.address && listener?.port === xds.address.port
    ? [[['services', name, 'port'], `${listener.port} is that of envoy.xds.address`]]
    : [];
}

/** A service that is called as resources of another one are would have these. */
function nameProblems(name: string, services: Services): readonly Problem[] {
  const [, other] = /^(?:listener|grpc)\/(.+)$/s.exec(name) ?? [];
  const own = other === undefined ? undefined : services.get(other);
  if (!own || !(own.own || services.get(name)?.own)) return [];
  const message = `is what Envoy is to call a part of the service ${other}; give it another name`;
  return [[['services', name], message]];
}

/** Formats of access logs, once for each place where one is written. */
function formatProblems(services: Services): readonly Problem[] {
  const found = new Map<string, Problem>();
  for (const [name, { own, policy }] of services) {
    const log = policy?.policy.access_log;
    if (!policy || !own || own.disabled || typeof log !== 'object') continue;
    const bad = badOperator(log.format);
    if (bad === undefined) continue;
    const word = ['policy', 'access_log', 'format'];
    const isDefault = originOf(policy, word.slice(1)) === 'defaults';
    const path = isDefault ? ['defaults', ...word] : ['services', name, ...word];
    const message = `${bad} is no operator of Envoy: these are %NAME%, %NAME(what)% or %NAME(what):20%, and a percent sign is %%`;
    found.set(path.join('\n'), [path, message]);
  }
  return [...found.values()];
}

const isAddress = (host: string) => isIP(host) !== 0 || host === 'localhost';

const noName = (host: string) =>
  `is ${host}, and Envoy listens at IP addresses only; give it one, such as 127.0.0.1 or 0.0.0.0`;

/** Whether only this machine reaches an address of the administration interface. */
function isOwn(admin: string): boolean {
  if (admin.startsWith('/')) return true;
  return isLoopback(admin.slice(0, admin.lastIndexOf(':')).replace(/^\[|\]$/g, ''));
}
