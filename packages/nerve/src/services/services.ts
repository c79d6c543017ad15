import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { keepRunning, type Log, messageOf } from '@smartstack/daemon';

import { endpointKeyOf, type ServiceConfig } from '../config/config.ts';
import type { Service, ServiceStatus } from './service.ts';
import { unusable } from './unusable.ts';

/** How long a service that replaces another may take to report before the old one ends, in milliseconds. */
const replaceTimeout = 30_000;

export interface ServicesDeps {
  create(config: ServiceConfig): Service;
  /** Called when a service has ended and no other has its name. */
  onEnded?(name: string): void;
  readonly log: Log;
}

/** The services of one nerve, which run side by side. */
export interface Services {
  all(): readonly Service[];
  /**
   * Runs these services from now on: others end, new ones start, and one whose configuration changed is
   * replaced, announced anew in each registry before its old announcement there is withdrawn; so is one that
   * was renamed. Those that did not change are not touched.
   */
  apply(configs: readonly ServiceConfig[]): void;
  /** Resolves once all services have ended, after the signal aborted. */
  ended(): Promise<void>;
}

interface RunningService {
  readonly config: ServiceConfig;
  readonly service: Service;
  stop(): void;
  readonly ended: Promise<void>;
}

/** Creates the services, none at first; all end when the signal aborts. */
export function createServices(
  { create, onEnded, log }: ServicesDeps,
  signal: AbortSignal,
): Services {
  const current = new Map<string, RunningService>();
  const tasks = new Set<Promise<void>>();
  // Every service listens to the one signal.
  setMaxListeners(0, signal);

  function track(task: Promise<void>): void {
    tasks.add(task);
    void task.finally(() => tasks.delete(task));
  }

  function start(config: ServiceConfig, service: Service): RunningService {
    const running = runService(config, service, log, signal);
    track(running.ended);
    return running;
  }

  /** A service that cannot be created does not stop the others: the old one runs on, or the status gives the reason. */
  function startOrKeep(config: ServiceConfig, old: RunningService | undefined): RunningService {
    try {
      return start(config, create(config));
    } catch (error) {
      log.error(
        { service: config.name, err: error, fix: 'fix its configuration, then send SIGHUP' },
        'the service cannot be checked and announced',
      );
      return old ?? start(config, unusable(config, messageOf(error)));
    }
  }

  async function end(old: RunningService): Promise<void> {
    old.stop();
    await old.ended;
    if (!current.has(old.service.name)) onEnded?.(old.service.name);
  }

  async function endAfter(old: RunningService, next: RunningService): Promise<void> {
    const late = sleep(replaceTimeout, undefined, { signal }).catch(() => {});
    const latest = Promise.race([late, next.ended]);
    const leaving = old.service.places.map(async ({ key, leave }) => {
      const successor = next.service.places.find((place) => place.key === key) ?? next.service;
      await Promise.race([successor.reported, latest]);
      // What is handed off stays.
      if (!signal.aborted) leave();
    });
    await Promise.all(leaving);
    await end(old);
  }

  return {
    all: () => [...current.values()].map(({ service }) => service),
    apply: (configs) => {
      const before = new Map(current);
      current.clear();
      for (const config of configs) {
        const old = before.get(config.name);
        const isSame = old && isDeepStrictEqual(old.config, config);
        current.set(config.name, isSame ? old : startOrKeep(config, old));
      }
      const byEndpoint = new Map(
        configs.flatMap((config) =>
          endpointsOf(config).map((key) => [key, current.get(config.name)] as const),
        ),
      );
      for (const [name, old] of before) {
        const [renamed] = endpointsOf(old.config).flatMap((key) => byEndpoint.get(key) ?? []);
        const next = current.get(name) ?? renamed;
        if (next === old) continue;
        track(next ? endAfter(old, next) : end(old));
      }
    },
    ended: async () => {
      while (tasks.size > 0) await Promise.all(tasks);
    },
  };
}

function endpointsOf(config: ServiceConfig): readonly string[] {
  return config.places.map((place) => endpointKeyOf(config, place));
}

/** Runs a service until it is stopped or the signal aborts; when it fails, it is started again. */
function runService(
  config: ServiceConfig,
  service: Service,
  log: Log,
  signal: AbortSignal,
): RunningService {
  const own = new AbortController();
  const abort = () => own.abort(signal.reason);
  if (signal.aborted) abort();
  signal.addEventListener('abort', abort);
  const { failed, status } = noteFailures(service, log);
  const ended = keepRunning(service.run, failed, own.signal);
  return {
    config,
    service: { ...service, status },
    stop: () => own.abort(),
    ended: ended.finally(() => signal.removeEventListener('abort', abort)),
  };
}

/** A service that failed shows the reason in its status until its checks have a result again. */
function noteFailures(service: Service, log: Log) {
  let failure: string | undefined;
  return {
    failed: (error: unknown): void => {
      const reason = messageOf(error);
      const fix = 'it is started again, and the others go on';
      if (reason !== failure || service.status().state !== 'unknown')
        log.error({ service: service.name, err: error, fix }, 'the service failed');
      failure = reason;
    },
    status: (): ServiceStatus => {
      const now = service.status();
      return failure !== undefined && now.state === 'unknown' ? { ...now, trouble: failure } : now;
    },
  };
}
