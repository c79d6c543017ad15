import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';

import { keepRunning, type Log, messageOf } from '@smartstack/daemon';

import { type ServiceConfig, seatOf } from '../config/config.ts';
import { type Service, unusable } from './service.ts';

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
   * replaced, announced anew before its old announcement goes; so is one that has another name now. Those
   * that did not change notice nothing.
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

  function start(config: ServiceConfig, service: Service): Member {
    const own = new AbortController();
    const stop = () => own.abort(signal.reason);
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop);
    let failure: string | undefined;
    const isUnjudged = () => service.status().state === 'unknown';
    const failed = (error: unknown) => {
      const reason = messageOf(error);
      const fix = 'it is started again, and the others go on';
      if (reason !== failure || !isUnjudged())
        log.error({ service: service.name, err: error, fix }, 'the service failed');
      failure = reason;
    };
    const ended = keepRunning(service.run, failed, own.signal);
    track(ended.finally(() => signal.removeEventListener('abort', stop)));
    /** One that failed shows why until it is judged again. */
    const status = () => {
      const now = service.status();
      return failure !== undefined && now.state === 'unknown' ? { ...now, trouble: failure } : now;
    };
    return { config, service: { ...service, status }, stop: () => own.abort(), ended };
  }

  /** A service that cannot be made stays as it was, or is shown with the reason; the others go on. */
  function startOrKeep(config: ServiceConfig, present: Member | undefined): Member {
    try {
      return start(config, create(config));
    } catch (error) {
      log.error(
        { service: config.name, err: error, fix: 'fix its configuration, then send SIGHUP' },
        'the service cannot be checked and announced',
      );
      return present ?? start(config, unusable(config, messageOf(error)));
    }
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

  async function retireAfter(old: Member, next: Member): Promise<void> {
    const late = sleep(patience, undefined, { signal }).catch(() => {});
    await Promise.race([next.service.reported, late, next.ended]);
    await retire(old);
  }

  return {
    services: () => [...members.values()].map(({ service }) => service),
    apply: (configs) => {
      const before = new Map(members);
      members.clear();
      for (const config of configs) {
        const present = before.get(config.name);
        const stays = present && isDeepStrictEqual(present.config, config);
        members.set(config.name, stays ? present : startOrKeep(config, present));
      }
      const heirs = new Map(configs.map((config) => [seatOf(config), members.get(config.name)]));
      for (const [name, old] of before) {
        const next = members.get(name) ?? heirs.get(seatOf(old.config));
        if (next === old) continue;
        track(next ? retireAfter(old, next) : retire(old));
      }
    },
    ended: async () => {
      while (running.size > 0) await Promise.all(running);
    },
  };
}
