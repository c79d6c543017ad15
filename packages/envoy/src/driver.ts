import { isDeepStrictEqual } from 'node:util';

import type { Applied, ConfigurableDriver, ProxyDeps, Snapshot } from '@smartstack/proxy';
import { createDue, createFailures, createHosts, wakesBeside } from '@smartstack/proxy';

import { type EnvoyConfig, envoySchema } from './config/config.ts';
import { reconfigured } from './config/reconfigured.ts';
import { isAsked, isOff, name, sectionOf, sectionsOf } from './config/section.ts';
import type { Engine } from './engine.ts';
import { adminOf } from './process/paths.ts';
import { createMeters, type Meters } from './status/metrics.ts';

/**
 * Keeps Envoys and gRPC applications in step over xDS, and one Envoy running. No Envoy is touched before the first
 * `apply`, and no socket opened before the first `prepare`; none at all where Envoy is off, or where there is no section
 * and no service asks for it. Disposing of it leaves a managed Envoy running, unless `on_exit` is `stop`.
 */
export function createEnvoyDriver(
  first: EnvoyConfig | undefined,
  { log, metrics }: ProxyDeps,
): ConfigurableDriver<EnvoyConfig> {
  const due = createDue();
  const hosts = createHosts();
  const failures = createFailures();
  let section = first;
  let config = sectionOf(first) ?? envoySchema.parse({});
  let meters: Meters | undefined;
  let engine: Engine | undefined;
  /** Why no Envoy is touched. */
  let none: string | undefined;

  /** Why there is nothing to do; undefined where there is. */
  function whyNone(snapshot: Snapshot): string | undefined {
    if (isOff(section)) return 'envoy.managed is false, and there is no socket, address or folder';
    if (section !== undefined || engine || isAsked(sectionsOf(snapshot))) return undefined;
    return 'there is no envoy section, and no service is served by it';
  }

  async function ready(): Promise<Engine> {
    // Registered on first use: an Envoy that is off has no metrics.
    meters ??= createMeters(metrics);
    if (!engine) {
      // What speaks xDS takes a while to load: a synapse without an Envoy does not.
      const { createEngine } = await import('./engine.ts');
      engine = await createEngine({ config, hosts, due, meters, log, metrics });
      due.at('engine', performance.now());
    }
    return engine;
  }

  async function apply(snapshot: Snapshot, signal: AbortSignal): Promise<Applied> {
    const now = due.collect();
    none = whyNone(snapshot);
    try {
      return none === undefined ? await step(snapshot, now, signal) : 'unchanged';
    } finally {
      due.attended();
    }
  }

  async function step(
    snapshot: Snapshot,
    now: ReadonlySet<string>,
    signal: AbortSignal,
  ): Promise<Applied> {
    const using = await ready().catch((error: unknown) => failed(error, now, signal));
    const end = meters?.apply.startTimer();
    try {
      const applied = await using.step(snapshot, now, signal);
      failures.clear();
      end?.({ result: applied });
      return applied;
    } catch (error) {
      end?.({ result: 'failed' });
      return failed(error, now, signal);
    }
  }

  /** What was due is due again after a while. */
  function failed(error: unknown, now: ReadonlySet<string>, signal: AbortSignal): never {
    signal.throwIfAborted();
    const wait = failures.add(error);
    for (const each of [...now, 'retry']) due.at(each, performance.now() + wait);
    throw error;
  }

  /** Notes that something is due whenever a part of the engine yields, once there is one. */
  const watch =
    (what: string, of: (engine: Engine, signal: AbortSignal) => AsyncIterable<void>) =>
    async (signal: AbortSignal) => {
      while (!signal.aborted) {
        if (!engine) await due.changed(signal);
        else for await (const _ of of(engine, signal)) due.at(what, performance.now());
      }
    };

  return {
    name,
    apply,
    prepare: async (snapshot) => {
      if (whyNone(snapshot) === undefined) (await ready()).prepare(snapshot);
    },
    configure: (newer) => {
      section = newer;
      due.at('configured', performance.now());
      const next = sectionOf(newer) ?? envoySchema.parse({});
      const { merged, kept } = engine ? reconfigured(config, next) : { merged: next, kept: [] };
      if (!isDeepStrictEqual(merged, config)) engine?.configure(merged);
      config = merged;
      return kept;
    },
    wakes: (signal) =>
      wakesBeside(
        due,
        {
          deaths: watch('died', (using, until) => using.deaths(until)),
          subscribers: watch('told', (using, until) => using.told(until)),
          hosts: watch('hosts', (_, until) => hosts.changes(until)),
        },
        log,
        signal,
      ),
    refresh: async (signal) => {
      if (none === undefined) await engine?.refresh(signal);
    },
    measure: async (signal) => (none === undefined && (await engine?.measure(signal))) || new Map(),
    refused: () => engine?.refused() ?? [],
    standing: async (signal) => {
      const admin = section && adminOf(config);
      return admin ? (await import('./admin/listeners.ts')).standingAt(admin, signal) : new Set();
    },
    serves: (service) => none === undefined && (engine?.serves(service) ?? false),
    status: () => {
      if (none !== undefined) return { mode: 'none', why: none, trouble: null, services: {} };
      const status = engine?.status();
      return { ...status, trouble: failures.latest ?? status?.trouble ?? null };
    },
    [Symbol.asyncDispose]: async () => engine?.[Symbol.asyncDispose](),
  };
}
