import { nearest, UserError } from '@smartstack/daemon';
import type { Protocol } from '@smartstack/policy';
import type { ProxyKind, Service, Snapshot } from '@smartstack/proxy';

import type { LoadedConfig, ServiceConfig } from '../../config/config.ts';
import { copiesOf } from '../../config/load-test.ts';
import { policyOf, protocolOf, proxyOf } from '../../config/policy.ts';
import { answeredOnce } from '../preview.ts';

/** A service's policy, and what there is to know around it. */
export interface PolicyLook {
  /** As it is written. */
  readonly name: string;
  readonly config: ServiceConfig;
  readonly proxy: ProxyKind;
  readonly protocol: Protocol;
  /** As it is served; of a load test's copies the first. */
  readonly service: Service;
  /** All services; only this one and those that it leads to have answered. */
  readonly snapshot: Snapshot;
  readonly loaded: LoadedConfig;
  /** Which discoveries gave no answer, a sentence each. */
  readonly complaints: readonly string[];
}

/**
 * Hears one service and those that its routes lead to, up to `startup_timeout`; touches nothing. Throws a
 * `UserError` for a service that is not there.
 */
export async function lookAtPolicy(
  loaded: LoadedConfig,
  name: string,
  signal: AbortSignal,
): Promise<PolicyLook> {
  const { config } = loaded;
  const service = config.services[name];
  if (!service) throw new UserError(unknownText(name, Object.keys(config.services)));
  const routes = policyOf(service, config)?.policy.routes ?? [];
  const targets = routes.flatMap(({ to = [] }) => to.flatMap((target) => target.service ?? []));
  const [copy] = copiesOf(name, service)[0] ?? [name];
  const asked = new Set([copy, ...targets]);
  const { snapshot, complaints } = await answeredOnce(loaded, (each) => asked.has(each), signal);
  const served = snapshot.get(copy);
  if (!served) throw new UserError(unknownText(name, [...snapshot.keys()]));
  return {
    name,
    config: service,
    proxy: proxyOf(service, config),
    protocol: protocolOf(service, config),
    service: served,
    snapshot,
    loaded,
    complaints,
  };
}

function unknownText(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  const fix =
    near === undefined ? `there are ${names.join(', ') || 'none'}` : `did you mean ${near}?`;
  return `there is no service ${name}; ${fix}`;
}

/** Why a service has no policy, and how to give it one. */
export function noPolicyText({ name, config, proxy, loaded: { source } }: PolicyLook): string {
  const place = source.locate(['services', name]);
  const section = (config as Readonly<Record<string, unknown>>)[proxy.name];
  if (section === undefined)
    return `${name} has no policy: it is not proxied. Give it a \`port\` and a \`policy\` in services.${name} (${place}).\n`;
  return `${name} has no policy: what its ${proxy.name} section says is all. Give it one with \`policy\` in services.${name} (${place}), or all services with defaults.policy.\n`;
}
