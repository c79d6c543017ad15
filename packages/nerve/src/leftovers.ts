import { setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, type Log, messageOf } from '@smartstack/daemon';
import type { OpenedRegistries } from '@smartstack/registry';

import { type ServiceConfig, seatOf } from './config.ts';
import type { Fleet } from './fleet.ts';

/** A service that cannot be judged holds the others' leftovers up for this long at most, in milliseconds. */
const patience = 60_000;

export interface LeftoversDeps {
  readonly fleet: Fleet;
  readonly registries: OpenedRegistries;
  readonly log: Log;
}

/**
 * Withdraws what an earlier nerve announced and this one does not: the rest of the sessions that were
 * taken over, and records of this machine's own services that nobody keeps. Each service's are looked at
 * once it was judged and, if it is up, stands itself. Trouble with a registry is waited out.
 */
export async function clearLeftovers(
  configs: readonly ServiceConfig[],
  { fleet, registries, log }: LeftoversDeps,
  signal: AbortSignal,
): Promise<void> {
  const reports = new Map(fleet.services().map(({ name, reported }) => [name, reported]));
  const insist = (what: () => Promise<void>) => insistOn(what, log, signal);

  async function dropUnclaimed(): Promise<void> {
    const late = sleep(patience, undefined, { signal }).catch(() => {});
    await Promise.race([Promise.all(reports.values()), late]);
    await insist(registries.dropUnclaimed);
  }

  async function clearGhosts(twins: readonly ServiceConfig[]): Promise<void> {
    const [first] = twins;
    if (first?.place.address.type !== 'zookeeper') return;
    const { address, path } = first.place;
    await untilAborted(Promise.all(twins.flatMap(({ name }) => reports.get(name) ?? [])), signal);
    const registry = registries.openZooKeeper(address.hosts);
    await insist(() => registry.clearGhosts(path, first.instance, signal));
  }

  await Promise.all([dropUnclaimed(), ...seatsOf(configs).map(clearGhosts)]);
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
