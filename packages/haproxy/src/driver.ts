import type { Applied, ConfigurableDriver, ProxyDeps, Snapshot } from '@smartstack/proxy';
import { createDue, createFailures, createHosts, wakesBeside } from '@smartstack/proxy';

import type { HaproxyConfig } from './config/config.ts';
import { isAsked, isOff, name, sectionsOf } from './config/section.ts';
import { type Current, createCurrent } from './current.ts';
import { measured } from './runtime/measure.ts';

export type HaproxyDriver = ConfigurableDriver<HaproxyConfig>;

/**
 * Keeps a HAProxy in step: members through its stats socket, its file through verified reloads.
 * No HAProxy is touched before the first `apply`, and none at all where it is off, or where there is no
 * section and no service asks for it. Disposing of it leaves a managed HAProxy running,
 * unless `on_exit` is `stop`.
 */
export function createHaproxyDriver(
  first: HaproxyConfig | undefined,
  deps: ProxyDeps,
): HaproxyDriver {
  const { log } = deps;
  const due = createDue();
  const hosts = createHosts();
  const current = createCurrent(first, { ...deps, hosts, due });
  const failures = createFailures();
  /** Why no HAProxy is touched. */
  let none: string | undefined;
  /** Whether its death was logged, and it has not answered since. */
  let isDeathLogged = false;

  async function apply(snapshot: Snapshot, signal: AbortSignal): Promise<Applied> {
    const now = due.collect();
    const before = none;
    none = whyNone(current, snapshot);
    if (none !== undefined && before === undefined && current.engine)
      log.warn(
        { why: none, fix: leftFix },
        'haproxy is left as it runs: its members change no more',
      );
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
    const end = current.meters().apply.startTimer();
    try {
      const engine = await current.ready(signal);
      const applied = await engine.step(snapshot, now, signal);
      if (engine.isOutdated) current.renew();
      failures.clear();
      isDeathLogged = false;
      end({ result: applied });
      return applied;
    } catch (error) {
      signal.throwIfAborted();
      failed(error, now);
      end({ result: 'failed' });
      throw error;
    }
  }

  /** What was due is due again after a while. */
  function failed(error: unknown, now: ReadonlySet<string>): void {
    current.engine?.invalidate();
    const wait = failures.add(error);
    for (const each of [...now, 'retry']) due.at(each, performance.now() + wait);
  }

  async function watchDeaths(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const watched = current.environment;
      if (!watched) await due.changed(signal);
      else
        for await (const _ of watched.loader.deaths(signal)) {
          if (isDeathLogged) log.debug('haproxy died');
          else log.error({ fix: 'its log says why; it is started again' }, 'haproxy died');
          isDeathLogged = true;
          current.engine?.invalidate();
          due.at('died', performance.now());
          if (watched !== current.environment) break;
        }
    }
  }

  async function watchHosts(signal: AbortSignal): Promise<void> {
    for await (const _ of hosts.changes(signal)) due.at('hosts', performance.now());
  }

  return {
    name,
    refused: () => current.engine?.refused() ?? [],
    standing: async (signal) => {
      if (isOff(current.section) || current.section === undefined) return new Set();
      return (await current.ready(signal)).standing(signal);
    },
    serves: (service) => none === undefined && (current.engine?.serves(service) ?? false),
    measure: async (signal) => {
      const [runtime] = current.environment?.runtimes ?? [];
      if (none !== undefined || !runtime || !current.engine) return new Map();
      return measured(runtime, current.engine.backends(), signal);
    },
    refresh: async (signal) => {
      if (none === undefined) await current.engine?.refresh(signal);
    },
    prepare: async (snapshot, signal) => {
      if (whyNone(current, snapshot) !== undefined) return;
      await (await current.ready(signal)).prepare(snapshot);
    },
    apply,
    configure: current.configure,
    wakes: (signal) => wakesBeside(due, { deaths: watchDeaths, hosts: watchHosts }, log, signal),
    status: () => {
      if (none !== undefined) return { mode: 'none', why: none, trouble: null, services: {} };
      const status = current.engine?.status();
      return { ...status, trouble: failures.latest ?? status?.trouble ?? null };
    },
    [Symbol.asyncDispose]: async () => current[Symbol.asyncDispose](),
  };
}

const leftFix = 'stop it once no app connects to it any more, or turn it on again';

/** Why no HAProxy is to be touched; undefined where one is. */
function whyNone(
  { section, engine }: Pick<Current, 'section' | 'engine'>,
  snapshot: Snapshot,
): string | undefined {
  if (isOff(section)) return 'haproxy is false, or all of its do_ keys are';
  if (section !== undefined || engine) return undefined;
  return isAsked(sectionsOf(snapshot))
    ? undefined
    : 'there is no haproxy section, and no service has one';
}
