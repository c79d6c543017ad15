import { type Log, type Metrics, messageOf } from '@smartstack/daemon';

import type { Snapshot } from '../../service.ts';
import type { Measured } from '../measured.ts';
import type { Applied, ProxyDriver } from '../proxy.ts';
import type { HaproxyConfig } from './config/config.ts';
import { createHosts } from './desired/hosts.ts';
import { createEngine, type Engine } from './engine.ts';
import { recall } from './file/memory-file.ts';
import { createMeters } from './meters.ts';
import { type Equipment, equip } from './process/equipment.ts';
import { parseStatistics } from './runtime/statistics.ts';
import { createDue } from './time/due.ts';

export interface HaproxyDeps {
  readonly log: Log;
  readonly metrics: Metrics;
}

const retryBase = 500;
const retryMax = 30_000;

/**
 * Keeps a HAProxy in step: members through its stats socket, its file through verified reloads.
 * Nothing is touched before the first `apply`. Disposing of it leaves a managed HAProxy running,
 * unless `on_exit` is `stop`.
 */
export function createHaproxyDriver(
  config: HaproxyConfig,
  { log, metrics }: HaproxyDeps,
): ProxyDriver {
  const due = createDue();
  const hosts = createHosts();
  const meters = createMeters(metrics);
  let equipment: (Equipment & AsyncDisposable) | undefined;
  let engine: Engine | undefined;
  let failures = 0;
  let trouble: string | undefined;

  async function ready(signal: AbortSignal): Promise<Engine> {
    if (engine) return engine;
    equipment = await equip(config, log, signal);
    const remembered = await recall(equipment.paths.memory);
    engine = createEngine({ config, equipment, remembered, hosts, due, meters, log });
    return engine;
  }

  async function apply(snapshot: Snapshot, signal: AbortSignal): Promise<Applied> {
    const end = meters.apply.startTimer();
    const now = due.collect();
    try {
      const applied = await (await ready(signal)).step(snapshot, now, signal);
      failures = 0;
      trouble = undefined;
      end({ result: applied });
      return applied;
    } catch (error) {
      signal.throwIfAborted();
      engine?.doubt();
      trouble = messageOf(error);
      failures += 1;
      const wait = Math.min(retryMax, retryBase * 2 ** Math.min(failures, 10));
      for (const name of [...now, 'retry']) due.at(name, Date.now() + wait);
      end({ result: 'failed' });
      throw error;
    } finally {
      due.attended();
    }
  }

  async function* wakes(signal: AbortSignal): AsyncGenerator<void, void> {
    const own = new AbortController();
    const both = AbortSignal.any([signal, own.signal]);
    const watching = Promise.all([watch(both), follow(both)]);
    try {
      yield* due.wakes(signal);
    } finally {
      own.abort();
      await watching;
    }
  }

  async function watch(signal: AbortSignal): Promise<void> {
    while (!equipment && !signal.aborted) await due.changed(signal);
    if (!equipment || signal.aborted) return;
    for await (const _ of equipment.loader.deaths(signal)) {
      log.error('haproxy died');
      engine?.doubt();
      due.at('died', Date.now());
    }
  }

  async function follow(signal: AbortSignal): Promise<void> {
    for await (const _ of hosts.changes(signal)) due.at('hosts', Date.now());
  }

  /** What HAProxy itself counted, by service. */
  async function measure(signal: AbortSignal): Promise<ReadonlyMap<string, Measured>> {
    const [runtime] = equipment?.runtimes ?? [];
    if (!engine || !runtime) return new Map();
    const [text = ''] = await runtime.ask(['show stat -1 6 -1'], signal);
    const measured = parseStatistics(text, Date.now());
    const services = [...engine.backends()].map(
      ([service, backend]) => [service, measured.get(backend)] as const,
    );
    return new Map(services.flatMap(([service, one]) => (one ? [[service, one]] : [])));
  }

  return {
    name: 'haproxy',
    refused: () => engine?.refused() ?? [],
    measure,
    apply,
    wakes,
    status: () => ({ trouble: trouble ?? null, ...engine?.status() }),
    [Symbol.asyncDispose]: async () => {
      try {
        await engine?.close();
      } finally {
        await equipment?.[Symbol.asyncDispose]();
      }
    },
  };
}
