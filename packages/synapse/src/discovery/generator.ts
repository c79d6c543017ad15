import { type Log, messageOf } from '@smartstack/daemon';
import { z } from 'zod';

import { type HaproxyService, haproxyServiceSchema } from '../proxies/haproxy/config/config.ts';
import { warningOf } from '../proxies/haproxy/removed/warnings.ts';
import type { DiscoveryDeps } from './discovery.ts';
import { type Chosen, followChosen } from './multi/chosen.ts';
import type { DiscoveryConfig, SingleDiscovery } from './table.ts';
import { hostsOf, isZooKeeper } from './zookeeper-path.ts';

/** What the registry says over a service's own `haproxy` section. */
export type GeneratorOverrides = Partial<HaproxyService>;

/** The keys that can only choose among what HAProxy was going to do anyway. */
const harmless: ReadonlySet<string> = new Set([
  'backend_order',
  'cookie_value_method',
  'use_nerve_weights',
  'server_port_override',
  'drain_timeout',
]);

/** Yields what a registry says over a service's section, whenever it is another. */
export type FollowGenerator = (signal: AbortSignal) => AsyncIterable<GeneratorOverrides>;

/**
 * Follows the generator data of a service's ZooKeeper node, `{"haproxy": {…}}`; undefined for a service
 * that has none. Raw lines and addresses are taken from it only where `trusted`. Of a `multi` the nodes of
 * the `chosen` watchers count.
 */
export function followGenerator(
  config: DiscoveryConfig,
  trusted: boolean,
  deps: DiscoveryDeps,
  chosen: Chosen,
): FollowGenerator | undefined {
  if (config.method !== 'multi') return followNode(config, trusted, deps);
  const watchers = Object.entries(config.watchers).flatMap(([name, part]) => {
    const follow = followNode(part, trusted, deps);
    return follow ? [[name, follow] as const] : [];
  });
  return watchers.length === 0 ? undefined : followChosen(new Map(watchers), chosen);
}

function followNode(
  config: SingleDiscovery,
  trusted: boolean,
  { registries, zookeeper, service, log }: DiscoveryDeps,
): FollowGenerator | undefined {
  if (!isZooKeeper(config)) return undefined;
  const { generator_config_path: other, path: own, hosts } = config;
  if (other === 'disabled') return undefined;
  const path = other ?? own;
  const registry = registries.openZooKeeper(hostsOf(hosts, zookeeper, service));
  return async function* (signal) {
    const options = { pollInterval: pollIntervalOf(config) };
    for await (const data of registry.data(path, options, signal)) {
      const { overrides, refused } = parseGenerator(data, trusted);
      report(path, { overrides, refused }, log);
      yield overrides;
    }
  };
}

function report(path: string, { overrides, refused }: ReturnType<typeof parseGenerator>, log: Log) {
  if (refused.length > 0)
    log.warn(
      {
        path,
        refused,
        fix: 'set these in the service file, or trust_registry_config where all who write there may configure this HAProxy',
      },
      'generator data left out',
    );
  const removed = removedIn(overrides);
  if (removed.length > 0)
    log.warn(
      { path, removed, fix: 'write today’s lines to the node' },
      'generator data has lines that HAProxy removed',
    );
}

function removedIn(overrides: GeneratorOverrides): readonly string[] {
  const { frontend, backend, listen, shared_frontend: shared } = overrides;
  return [frontend, backend, listen, shared].flatMap((lines = []) =>
    lines.flatMap((line) => warningOf(line) ?? []),
  );
}

/** How often a path that is not to be watched is asked for. */
function pollIntervalOf(config: SingleDiscovery): number | undefined {
  return 'polling_interval_sec' in config ? config.polling_interval_sec : undefined;
}

/** The good part of a node's generator data, and what was left out and why; never throws. */
export function parseGenerator(
  data: Buffer | undefined,
  trusted: boolean,
): { readonly overrides: GeneratorOverrides; readonly refused: readonly string[] } {
  if (!data || data.length === 0) return { overrides: {}, refused: [] };
  const parsed = generatorData.safeParse(parse(data));
  if (!parsed.success) return { overrides: {}, refused: ['not a JSON object with haproxy in it'] };
  const results = Object.entries(parsed.data.haproxy ?? {}).map(([key, value]) =>
    parseKey(key, value, trusted),
  );
  return {
    overrides: Object.fromEntries(
      results.flatMap((each) => ('value' in each ? [[each.key, each.value]] : [])),
    ),
    refused: results.flatMap((each) =>
      'reason' in each ? [`haproxy.${each.key}: ${each.reason}`] : [],
    ),
  };
}

type Parsed = { readonly key: string } & (
  | { readonly value: unknown }
  | { readonly reason: string }
);

function parseKey(key: string, value: unknown, trusted: boolean): Parsed {
  const { shape } = haproxyServiceSchema;
  if (!Object.hasOwn(shape, key)) return { key, reason: 'unknown key' };
  if (!trusted && !harmless.has(key))
    return { key, reason: 'not from the registry (trust_registry_config)' };
  const parsed = shape[key as keyof typeof shape].safeParse(value);
  return parsed.success
    ? { key, value: parsed.data }
    : { key, reason: messageOf(parsed.error.issues[0]?.message) };
}

const generatorData = z.object({ haproxy: z.record(z.string(), z.unknown()).nullish() });

function parse(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}
