import { setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, type Log, messageOf } from '@smartstack/daemon';
import type { Instance, OpenedRegistries } from '@smartstack/registry';

import { endpointKeyOf, type ServiceConfig } from '../config/config.ts';
import type { Services } from '../services/services.ts';
import { keyOfPlace, openPlace, type Place } from './reporters/table.ts';

/** How long to wait for services without a result before records of no service are withdrawn, in milliseconds. */
const reportTimeout = 60_000;

/** Where a service's records of an earlier nerve are all taken over or withdrawn. */
export interface Cleared {
  add(service: string, place: Place): void;
  has(service: string, place: Place): boolean;
}

export function createCleared(): Cleared {
  const keys = new Set<string>();
  const keyOf = (service: string, place: Place) => JSON.stringify([service, keyOfPlace(place)]);
  return {
    add: (service, place) => void keys.add(keyOf(service, place)),
    has: (service, place) => keys.has(keyOf(service, place)),
  };
}

export interface StaleRecordsDeps {
  readonly services: Services;
  readonly registries: OpenedRegistries;
  readonly log: Log;
  readonly cleared: Cleared;
}

/** A service at one of its places. */
interface Announced {
  readonly config: ServiceConfig;
  readonly place: Place;
  /** Resolves once the service was checked and, if it is up, is announced there. */
  readonly reported: Promise<void>;
}

/**
 * Withdraws what an earlier nerve announced and this one does not: the rest of the sessions that were
 * taken over, and records of this machine's own services that no session keeps. The records of each
 * service in a registry are withdrawn once it was checked and, if it is up, is announced there again; records of
 * no service once all were, or after a while. What fails at a registry is tried again.
 */
export async function withdrawStaleRecords(
  configs: readonly ServiceConfig[],
  { services, registries, log, cleared }: StaleRecordsDeps,
  signal: AbortSignal,
): Promise<void> {
  const announced = announcedOf(configs, services);
  const retry = (what: () => Promise<void>) => retryUntilDone(what, log, signal);
  /** Without a result yet: an earlier nerve's records of them stay. */
  const unchecked = new Set(announced);

  async function withdrawUnclaimed(): Promise<void> {
    const late = sleep(reportTimeout, undefined, { signal }).catch(() => {});
    await Promise.race([Promise.all(announced.map(({ reported }) => reported)), late]);
    const isChecked = (path: string, record: Instance | undefined) =>
      ![...unchecked].some((each) => isRecordOf(each, path, record));
    await Promise.all(
      registries.inherited().map(({ drop }) => retry(() => drop(isChecked, signal))),
    );
  }

  /** For services with the same endpoint: their records cannot be told apart. */
  async function withdrawOwn(sameEndpoint: readonly Announced[]): Promise<void> {
    const [first] = sameEndpoint;
    if (!first) return;
    await untilAborted(Promise.all(sameEndpoint.map(({ reported }) => reported)), signal);
    for (const each of sameEndpoint) unchecked.delete(each);
    await retry(async () => {
      const { inherited } = openPlace(first.place, registries);
      await inherited?.drop((at, record) => isRecordOf(first, at, record), signal);
      for (const { config, place } of sameEndpoint) cleared.add(config.name, place);
    });
    await retry(async () => {
      await openPlace(first.place, registries).inherited?.clear(first.config.instance, signal);
    });
  }

  await Promise.all([withdrawUnclaimed(), ...byEndpoint(announced).map(withdrawOwn)]);
}

/** Each service at each of its places. */
function announcedOf(configs: readonly ServiceConfig[], services: Services): readonly Announced[] {
  const running = new Map(services.all().map((service) => [service.name, service]));
  return configs.flatMap((config) =>
    config.places.map((place) => {
      const key = keyOfPlace(place);
      const own = running.get(config.name)?.places.find((each) => each.key === key);
      return { config, place, reported: own?.reported ?? Promise.resolve() };
    }),
  );
}

/** Whether a record at a path is one of a service's, whatever its weight and labels are. */
function isRecordOf(
  {
    place,
    config: {
      instance: { name, host, port },
    },
  }: Announced,
  path: string,
  record: Instance | undefined,
): boolean {
  if (!record || place.path !== path) return false;
  return record.name === name && record.host === host && record.port === port;
}

/** Grouped by endpoint: the services of a load test share one. */
function byEndpoint(all: readonly Announced[]): readonly (readonly Announced[])[] {
  const groups = new Map<string, Announced[]>();
  for (const each of all) {
    const key = endpointKeyOf(each.config, each.place);
    groups.set(key, [...(groups.get(key) ?? []), each]);
  }
  return [...groups.values()];
}

/** Tries again until it works or the signal aborts; each reason is logged once in a row. */
async function retryUntilDone(
  what: () => Promise<void>,
  log: Log,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff({ base: 1000, max: 10_000 });
  let last = '';
  while (!signal.aborted) {
    try {
      return await what();
    } catch (error) {
      if (signal.aborted) return;
      const reason = messageOf(error);
      if (reason !== last) log.warn({ reason }, 'cannot withdraw yet what an earlier nerve left');
      last = reason;
      await backoff.wait(signal).catch(() => {});
    }
  }
}

/** Waits for a promise, but no longer than until the signal aborts. */
async function untilAborted(what: Promise<unknown>, signal: AbortSignal): Promise<void> {
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
  });
  if (signal.aborted) return;
  signal.addEventListener('abort', stop);
  await Promise.race([what, aborted]);
  signal.removeEventListener('abort', stop);
}
