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
  /** Configurations that replace the first one, until aborted. */
  reloads(signal: AbortSignal): AsyncIterable<Config>;
}

/**
 * Runs nerve with its registries, and takes over the sessions of an earlier nerve on this machine: one that
 * was killed, or that handed its announcements off on SIGUSR2.
 */
export async function runWithState(
  config: Config,
  { session, ...deps }: RunDeps,
  signal: AbortSignal,
): Promise<void> {
  const handingOff = handOffOnSignal();
  const startHandOff = () => handingOff.abort(new HandOff());
  const ended = AbortSignal.any([signal, handingOff.signal]);
  const store = await openSessionStore(config.stateDirectory, deps.log);
  const overrides = await openOverrides(config.stateDirectory, deps.log);
  const owner = config.instanceId;
  const { registries, saveSessions } = openRegistries({
    ...deps,
    session,
    store,
    owner,
    etcd: config.etcd,
  });
  // What an earlier nerve registered there is looked for, also where no service is announced there any more.
  if (config.consul) registries.openConsul(config.consul);
  const nerveDeps = { ...deps, registries, overrides, handOff: startHandOff };
  const tasks = [
    (own: AbortSignal) => runNerve(config, nerveDeps, own),
    // Saved as they change, so that the nerve that is started after a crash can take them over.
    (own: AbortSignal) => createSchedule().every(500, 0, saveSessions, own),
  ];
  try {
    await runTogether(tasks, ended);
  } finally {
    if (ended.reason instanceof HandOff) await handOff(registries, store, deps.log);
    else await close(registries, store);
  }
}

/** Aborted with a `HandOff` by SIGUSR2. */
function handOffOnSignal(): AbortController {
  const handingOff = new AbortController();
  // The listener stays: without one, a second SIGUSR2 would kill nerve during the hand-off.
  process.on('SIGUSR2', () => handingOff.abort(new HandOff()));
  process.off('SIGUSR2', exitNow);
  return handingOff;
}

interface OpenDeps extends Pick<RunDeps, 'session' | 'log' | 'metrics'> {
  readonly store: SessionStore;
  readonly owner: string;
  readonly etcd: Config['etcd'];
}

/** Registries that take the stored sessions over; `saveSessions` stores the present ones. */
function openRegistries({ session, store, ...deps }: OpenDeps) {
  const saveSessions = () => store.save(registries.tickets(), registries.agents());
  // A session is saved before anything is announced, so that it can be taken over when nerve is killed right
  // then; but a disk that hangs must not prevent the announcement.
  const onSession = () => Promise.race([saveSessions(), sleep(1000, undefined, { ref: false })]);
  const registries: OpenedRegistries = createRegistries({
    session: { ...session, onSession },
    resume: store.tickets,
    agents: store.agents,
    ...deps,
  });
  return { registries, saveSessions };
}

async function handOff(registries: OpenedRegistries, store: SessionStore, log: Log): Promise<void> {
  await store.handOff(await registries.handOff(), registries.agents());
  log.info('announcements are left to the next nerve');
}

async function close(registries: OpenedRegistries, store: SessionStore): Promise<void> {
  await registries[Symbol.asyncDispose]();
  const agents = registries.agents();
  if (agents.length > 0) await store.handOff({}, agents);
  else await store.clear();
}
