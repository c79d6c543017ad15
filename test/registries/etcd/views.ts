import { createMetrics, silentLog } from '@smartstack/daemon';
import {
  createEtcdRegistry,
  type EtcdRegistry,
  type EtcdRegistryOptions,
  type Instance,
} from '@smartstack/registry';

import { until } from '../../support/until.ts';

export const path = '/services/web';
export const web = (port: number, more: Partial<Instance> = {}): Instance => ({
  host: '127.0.0.1',
  port,
  name: 'vm-1',
  ...more,
});

/** Registries of one test, disposed of together. */
export interface Views extends AsyncDisposable {
  open(options: Partial<EtcdRegistryOptions>): EtcdRegistry;
  /** Follows the service by a registry, and keeps each list. */
  follow(registry: EtcdRegistry, at?: string): Seen;
  readonly signal: AbortSignal;
}

export interface Seen {
  readonly lists: (readonly Instance[])[];
  readonly troubles: string[];
  /** The ports of the newest list, in order. */
  newest(): string | undefined;
  /** Waits until the newest list has these ports. */
  has(...ports: readonly number[]): Promise<void>;
}

export function createViews(): Views {
  const ended = new AbortController();
  const opened: EtcdRegistry[] = [];
  const running: Promise<void>[] = [];
  return {
    signal: ended.signal,
    open: (options) => {
      const deps = { log: silentLog, metrics: createMetrics(), endpoints: [] };
      const registry = createEtcdRegistry({ ...deps, ...options });
      opened.push(registry);
      return registry;
    },
    follow: (registry, at = path) => {
      const lists: (readonly Instance[])[] = [];
      const troubles: string[] = [];
      const onTrouble = (reason: string | undefined) => {
        if (reason !== undefined) troubles.push(reason);
      };
      const read = async () => {
        for await (const list of registry.follow(at, { onTrouble }, ended.signal)) lists.push(list);
      };
      running.push(read());
      const newest = () => lists.at(-1) && portsOf(lists.at(-1) ?? []);
      return {
        lists,
        troubles,
        newest,
        has: async (...ports) => {
          const wanted = ports.join(' ');
          await until(() => newest() === wanted).catch((error: unknown) => {
            throw new Error(`expected ${wanted}, the newest list is ${newest()}`, { cause: error });
          });
        },
      };
    },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await Promise.all(running);
      await Promise.all(opened.map((registry) => registry[Symbol.asyncDispose]()));
    },
  };
}

export const portsOf = (list: readonly Instance[]) =>
  list
    .map(({ port }) => Number(port))
    .toSorted((a, b) => a - b)
    .join(' ');
