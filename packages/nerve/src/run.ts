import { setTimeout as sleep } from 'node:timers/promises';

import type { Log, Metrics } from '@smartstack/daemon';
import { createRegistries, type OpenedRegistries } from '@smartstack/registry';
import type { SessionOptions } from '@smartstack/zookeeper';
import { exitNow, HandOff } from './announce/hand-off.ts';
import { openSessionStore, type SessionStore } from './announce/session-store.ts';
import type { Config } from './config/config.ts';
import { createSchedule } from './health/schedule.ts';
import { runNerve } from './nerve.ts';
import { openOverrides } from './operator/overrides.ts';
import { runTogether } from './services/tasks.ts';

export interface RunDeps {
  readonly session: Partial<SessionOptions>;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Configurations that take the place of the first one, until aborted. */
  reloads(signal: AbortSignal): AsyncIterable<Config>;
}

/**
 * Runs nerve with its registries, and takes over what an earlier nerve on this machine left: one that was
 * killed, or that was told by SIGUSR2 to leave its announcements to the next.
 */
export async function runWithState(
  config: Config,
  { session, ...deps }: RunDeps,
  signal: AbortSignal,
): Promise<void> {
  const handingOff = new AbortController();
  const startHandOff = () => handingOff.abort(new HandOff());
  // A second one would end nerve in the midst of it, were it not listened to.
  process.on('SIGUSR2', startHandOff);
  process.off('SIGUSR2', exitNow);
  const ended = AbortSignal.any([signal, handingOff.signal]);
  const store = await openSessionStore(config.stateDirectory, deps.log);
  const overrides = await openOverrides(config.stateDirectory, deps.log);
  const note = () => store.save(registries.tickets());
  // Noted before it announces anything, or a nerve that is killed at once could not be taken over; but a
  // disk that hangs keeps nobody from being announced.
  const onSession = () => Promise.race([note(), sleep(1000, undefined, { ref: false })]);
  const registries: OpenedRegistries = createRegistries({
    session: { ...session, onSession },
    resume: store.tickets,
    ...deps,
  });
  try {
    await runTogether(
      [
        (own) => {
          return runNerve(config, { ...deps, registries, overrides, handOff: startHandOff }, own);
        },
        // As they change, so that a nerve that is started after a crash can take them over.
        (own) => createSchedule().every(500, 0, note, own),
      ],
      ended,
    );
  } finally {
    if (ended.reason instanceof HandOff) await handOff(registries, store, deps.log);
    else await close(registries, store);
  }
}

async function handOff(registries: OpenedRegistries, store: SessionStore, log: Log): Promise<void> {
  await store.handOff(await registries.handOff());
  log.info('announcements are left to the next nerve');
}

async function close(registries: OpenedRegistries, store: SessionStore): Promise<void> {
  await registries[Symbol.asyncDispose]();
  await store.clear();
}
