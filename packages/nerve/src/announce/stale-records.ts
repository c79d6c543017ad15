import { setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, type Log, messageOf } from '@smartstack/daemon';
import type { Instance, OpenedRegistries } from '@smartstack/registry';

import { type ServiceConfig, seatOf } from '../config/config.ts';
import type { Fleet } from '../services/services.ts';

/** A service that cannot be judged holds the others' leftovers up for this long at most, in milliseconds. */
const patience = 60_000;

export interface LeftoversDeps {
  readonly fleet: Fleet;
  readonly registries: OpenedRegistries;
  readonly log: Log;
  /** Takes the names of services of which an earlier nerve's sessions have no record left. */
  readonly cleared: Set<string>;
}

/**
 * Withdraws what an earlier nerve announced and this one does not: the rest of the sessions that were
 * taken over, and records of this machine's own services that nobody keeps. Each service's are looked at
 * once it was judged and, if it is up, stands itself; what is no service's goes when all were, or after a
 * while. Trouble with a registry is waited out.
 */
export async function clearLeftovers(
  configs: readonly ServiceConfig[],
  { fleet, registries, log, cleared }: LeftoversDeps,
  signal: AbortSignal,
): Promise<void> {
  const reports = new Map(fleet.services().map(({ name, reported }) => [name, reported]));
  const insist = (what: () => Promise<void>) => insistOn(what, log, signal);
  /** Services that were not judged yet: the records of before stand for them. */
  const unjudged = new Set(configs);

  async function dropUnclaimed(): Promise<void> {
    const late = sleep(patience, undefined, { signal }).catch(() => {});
    await Promise.race([Promise.all(reports.values()), late]);
    const isJudged = (path: string, instance: Instance | undefined) =>
      ![...unjudged].some((config) => standsFor(config, path, instance));
    await insist(() => registries.dropUnclaimed(isJudged, signal));
  }

  async function clearStale(twins: readonly ServiceConfig[]): Promise<void> {
    const [first] = twins;
    if (!first) return;
    await untilAborted(Promise.all(twins.flatMap(({ name }) => reports.get(name) ?? [])), signal);
    for (const each of twins) unjudged.delete(each);
    if (first.place.address.type !== 'zookeeper') return;
    const { address, path } = first.place;
    const registry = registries.openZooKeeper(address.hosts);
    await insist(() =>
      registry.dropUnclaimed((place, instance) => standsFor(first, place, instance), signal),
    );
    for (const { name } of twins) cleared.add(name);
    await insist(() => registry.clearStale(path, first.instance, signal));
  }

  await Promise.all([dropUnclaimed(), ...seatsOf(configs).map(clearStale)]);
}

/** Whether a record at a path is one of a service's, whatever its weight and labels are. */
function standsFor(
  { place, instance: { name, host, port } }: ServiceConfig,
  path: string,
  record: Instance | undefined,
): boolean {
  if (!record || place.path !== path) return false;
  return record.name === name && record.host === host && record.port === port;
}

/** Services by where and as what they are announced: the copies of a load test share one seat. */
function seatsOf(configs: readonly ServiceConfig[]): readonly (readonly ServiceConfig[])[] {
  const seats = new Map<string, ServiceConfig[]>();
  for (const config of configs) {
    const key = seatOf(config);
    seats.set(key, [...(seats.get(key) ?? []), config]);
  }
  return [...seats.values()];
}

async function insistOn(what: () => Promise<void>, log: Log, signal: AbortSignal): Promise<void> {
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
