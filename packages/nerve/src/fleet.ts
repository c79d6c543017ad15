import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { createBackoff, type Log } from '@smartstack/daemon';

import type { ServiceConfig } from './config.ts';
import type { Service } from './service.ts';

/** How long a service that takes the place of another may take to report before that one goes, in milliseconds. */
const patience = 30_000;

export interface FleetDeps {
  create(config: ServiceConfig): Service;
  /** Told when a service has ended for good. */
  onEnded?(name: string): void;
  readonly log: Log;
}

/** The services that are run. */
export interface Fleet {
  services(): readonly Service[];
  /**
   * Runs these services from now on: others end, new ones start, and one whose configuration changed is
   * replaced, announced anew before its old announcement goes. Those that did not change notice nothing.
   */
  apply(configs: readonly ServiceConfig[]): void;
  /** Resolves once all services have ended, after the signal aborted. */
  ended(): Promise<void>;
}

interface Member {
  readonly config: ServiceConfig;
  readonly service: Service;
  stop(): void;
  readonly ended: Promise<void>;
}

export function createFleet({ create, onEnded, log }: FleetDeps, signal: AbortSignal): Fleet {
  const members = new Map<string, Member>();
  const running = new Set<Promise<void>>();
  // Every service listens to the one signal.
  setMaxListeners(0, signal);

  function start(config: ServiceConfig): Member {
    const own = new AbortController();
    const stop = () => own.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    const service = create(config);
    const ended = keepRunning(service, log, own.signal);
    track(ended.finally(() => signal.removeEventListener('abort', stop)));
    return { config, service, stop: () => own.abort(), ended };
  }

  function track(task: Promise<void>): void {
    running.add(task);
    void task.finally(() => running.delete(task));
  }

  async function retire(member: Member): Promise<void> {
    member.stop();
    await member.ended;
    if (!members.has(member.service.name)) onEnded?.(member.service.name);
  }

  async function replace(old: Member, config: ServiceConfig): Promise<void> {
    const next = start(config);
    members.set(config.name, next);
    const late = sleep(patience, undefined, { signal }).catch(() => {});
    await Promise.race([next.service.reported, late, next.ended]);
    await retire(old);
  }

  return {
    services: () => [...members.values()].map(({ service }) => service),
    apply: (configs) => {
      const wanted = new Map(configs.map((config) => [config.name, config]));
      for (const [name, member] of members) {
        if (wanted.has(name)) continue;
        members.delete(name);
        track(retire(member));
      }
      for (const [name, config] of wanted) {
        const present = members.get(name);
        if (!present) members.set(name, start(config));
        else if (!isDeepStrictEqual(present.config, config)) track(replace(present, config));
      }
    },
    ended: async () => {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

/** Runs one service's task, again should it fail: a fault in one service is loud but never ends the others. */
async function keepRunning(service: Service, log: Log, signal: AbortSignal): Promise<void> {
  const backoff = createBackoff({ base: 1000, max: 30_000 });
  while (!signal.aborted) {
    try {
      await service.run(signal);
    } catch (error) {
      log.error({ service: service.name, err: error }, 'service failed, starting it again');
      await backoff.wait(signal).catch(() => {});
    }
  }
}
