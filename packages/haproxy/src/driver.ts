import { isDeepStrictEqual } from 'node:util';

import { messageOf } from '@smartstack/daemon';
import type { Applied, ConfigurableDriver, Measured, ProxyDeps, Snapshot } from '@smartstack/proxy';
import { createDue, createPace, wakesBeside } from '@smartstack/proxy';
import { type HaproxyConfig, haproxySchema } from './config/config.ts';
import { reconfigured } from './config/reconfigured.ts';
import { isAsked, isOff, name, sectionOf, sectionsOf } from './config/section.ts';
import { createHosts } from './desired/hosts.ts';
import { createEngine, type Engine } from './engine.ts';
import { claim, type Equipment, survey } from './process/equipment.ts';
import { recall } from './reload/memory-file.ts';
import { parseStatistics } from './runtime/statistics.ts';
import { createMeters, type Meters } from './status/metrics.ts';

const retryBase = 500;
const retryMax = 30_000;

export type HaproxyDriver = ConfigurableDriver<HaproxyConfig>;

/**
 * Keeps a HAProxy in step: members through its stats socket, its file through verified reloads.
 * No HAProxy is touched before the first `apply`, and none at all where it is off, or where there is no
 * section and no service asks for it. Disposing of it leaves a managed HAProxy running,
 * unless `on_exit` is `stop`.
 */
export function createHaproxyDriver(
  first: HaproxyConfig | undefined,
  { log, metrics }: ProxyDeps,
): HaproxyDriver {
  const due = createDue();
  const hosts = createHosts();
  let key = first;
  let config = sectionOf(first) ?? haproxySchema.parse({});
  /** Made with the first HAProxy: what is not run has no metrics. */
  let meters: Meters | undefined;
  const pace = createPace(() => ({
    interval: config.restart_interval,
    jitter: config.restart_jitter,
  }));
  let used: HaproxyConfig | undefined;
  let equipment: Equipment | undefined;
  let lock: AsyncDisposable | undefined;
  let engine: Engine | undefined;
  let failures = 0;
  let trouble: string | undefined;
  let none: string | undefined;
  /** Whether its death was said and it did not answer since. */
  let isMourned = false;

  async function ready(signal: AbortSignal): Promise<Engine> {
    if (engine && used === config) return engine;
    const next = config;
    meters ??= createMeters(metrics);
    // Whoever came before writes its files first: they are read by the survey.
    await engine?.close();
    equipment = await survey(next, log, signal);
    lock ??= await claim(equipment);
    const remembered = await recall(equipment.paths.memory);
    engine = createEngine({ config: next, equipment, remembered, hosts, due, pace, meters, log });
    used = next;
    return engine;
  }

  function reequip(): void {
    used = undefined;
    due.at('equip', performance.now());
  }

  /** Why no HAProxy is touched; undefined where one is. */
  function noneBecause(snapshot: Snapshot): string | undefined {
    if (isOff(key)) return 'haproxy is false, or all of its do_ keys are';
    if (key !== undefined || engine) return undefined;
    return isAsked(sectionsOf(snapshot))
      ? undefined
      : 'there is no haproxy section, and no service has one';
  }

  function configure(newer: HaproxyConfig | undefined): readonly string[] {
    const before = key;
    key = newer;
    if (!isDeepStrictEqual(sectionOf(before), sectionOf(newer))) {
      engine?.doubt();
      due.at('configured', performance.now());
    }
    const next = sectionOf(newer) ?? haproxySchema.parse({});
    if (!engine) config = next;
    const { merged, kept } = reconfigured(config, next);
    if (isDeepStrictEqual(merged, config)) return kept;
    config = merged;
    due.at('configured', performance.now());
    return kept;
  }

  async function apply(snapshot: Snapshot, signal: AbortSignal): Promise<Applied> {
    const now = due.collect();
    none = noneBecause(snapshot);
    if (none !== undefined) {
      due.attended();
      return 'unchanged';
    }
    meters ??= createMeters(metrics);
    const end = meters.apply.startTimer();
    try {
      const applied = await (await ready(signal)).step(snapshot, now, signal);
      if (engine?.isOutdated) reequip();
      failures = 0;
      isMourned = false;
      trouble = undefined;
      end({ result: applied });
      return applied;
    } catch (error) {
      signal.throwIfAborted();
      engine?.doubt();
      trouble = messageOf(error);
      failures += 1;
      const wait = Math.min(retryMax, retryBase * 2 ** Math.min(failures, 10));
      for (const name of [...now, 'retry']) due.at(name, performance.now() + wait);
      end({ result: 'failed' });
      throw error;
    } finally {
      due.attended();
    }
  }

  async function watch(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const watched = equipment;
      if (!watched) await due.changed(signal);
      else
        for await (const _ of watched.loader.deaths(signal)) {
          if (isMourned) log.debug('haproxy died');
          else log.error({ fix: 'its log says why; it is started again' }, 'haproxy died');
          isMourned = true;
          engine?.doubt();
          due.at('died', performance.now());
          if (watched !== equipment) break;
        }
    }
  }

  async function follow(signal: AbortSignal): Promise<void> {
    for await (const _ of hosts.changes(signal)) due.at('hosts', performance.now());
  }

  /** What HAProxy itself counted, by service. */
  async function measure(signal: AbortSignal): Promise<ReadonlyMap<string, Measured>> {
    const [runtime] = equipment?.runtimes ?? [];
    if (!engine || !runtime || none !== undefined) return new Map();
    const [text = ''] = await runtime.ask(['show stat -1 6 -1'], signal);
    const measured = parseStatistics(text, Date.now());
    const services = [...engine.backends()].map(
      ([service, backend]) => [service, measured.get(backend)] as const,
    );
    return new Map(services.flatMap(([service, one]) => (one ? [[service, one]] : [])));
  }

  return {
    name,
    refused: () => engine?.refused() ?? [],
    measure,
    refresh: async (signal) => {
      if (none === undefined) await engine?.refresh(signal);
    },
    prepare: async (snapshot, signal) => {
      if (noneBecause(snapshot) === undefined) await (await ready(signal)).prepare(snapshot);
    },
    apply,
    configure,
    wakes: (signal) => wakesBeside(due, { deaths: watch, hosts: follow }, log, signal),
    status: () => {
      if (none !== undefined) return { mode: 'none', why: none, trouble: null, services: {} };
      const status = engine?.status();
      return { ...status, trouble: trouble ?? status?.trouble ?? null };
    },
    [Symbol.asyncDispose]: async () => {
      try {
        await engine?.close();
      } finally {
        try {
          await equipment?.loader[Symbol.asyncDispose]();
        } finally {
          await lock?.[Symbol.asyncDispose]();
        }
      }
    },
  };
}
