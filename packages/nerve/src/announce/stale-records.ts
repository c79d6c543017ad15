import { setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, type Log, messageOf } from '@smartstack/daemon';
import type { Instance, OpenedRegistries } from '@smartstack/registry';

import { endpointKeyOf, type ServiceConfig } from '../config/config.ts';
import type { Services } from '../services/services.ts';

/** How long to wait for services without a result before records of no service are withdrawn, in milliseconds. */
const reportTimeout = 60_000;

export interface StaleRecordsDeps {
  readonly services: Services;
  readonly registries: OpenedRegistries;
  readonly log: Log;
  /** Collects the names of services whose records of an earlier nerve are all taken over or withdrawn. */
  readonly cleared: Set<string>;
}

/**
 * Withdraws what an earlier nerve announced and this one does not: the rest of the sessions that were
 * taken over, and records of this machine's own services that no session keeps. The records of each
 * service are withdrawn once it was checked and, if it is up, is announced again; records of no service
 * once all were, or after a while. What fails at a registry is tried again.
 */
export async function withdrawStaleRecords(
  configs: readonly ServiceConfig[],
  { services, registries, log, cleared }: StaleRecordsDeps,
  signal: AbortSignal,
): Promise<void> {
  const reports = new Map(services.all().map(({ name, reported }) => [name, reported]));
  const retry = (what: () => Promise<void>) => retryUntilDone(what, log, signal);
  /** Services without a result yet: an earlier nerve's records of them stay. */
  const unchecked = new Set(configs);

  async function withdrawUnclaimed(): Promise<void> {
    const late = sleep(reportTimeout, undefined, { signal }).catch(() => {});
    await Promise.race([Promise.all(reports.values()), late]);
    const isChecked = (path: string, record: Instance | undefined) =>
      ![...unchecked].some((config) => isRecordOf(config, path, record));
    await retry(() => registries.dropUnclaimed(isChecked, signal));
  }

  /** For services with the same endpoint: their records cannot be told apart. */
  async function withdrawOwn(sameEndpoint: readonly ServiceConfig[]): Promise<void> {
    const [first] = sameEndpoint;
    if (!first) return;
    const reported = sameEndpoint.flatMap(({ name }) => reports.get(name) ?? []);
    await untilAborted(Promise.all(reported), signal);
    for (const each of sameEndpoint) unchecked.delete(each);
    const { address, path } = first.place;
    if (address.type !== 'zookeeper' && address.type !== 'etcd') return;
    const registry =
      address.type === 'etcd'
        ? registries.openEtcd(address.endpoints)
        : registries.openZooKeeper(address.hosts);
    await retry(() =>
      registry.dropUnclaimed((at, record) => isRecordOf(first, at, record), signal),
    );
    for (const { name } of sameEndpoint) cleared.add(name);
    // In etcd an instance has one key, whoever writes it.
    if ('clearStale' in registry)
      await retry(() => registry.clearStale(path, first.instance, signal));
  }

  await Promise.all([withdrawUnclaimed(), ...byEndpoint(configs).map(withdrawOwn)]);
}

/** Whether a record at a path is one of a service's, whatever its weight and labels are. */
function isRecordOf(
  { place, instance: { name, host, port } }: ServiceConfig,
  path: string,
  record: Instance | undefined,
): boolean {
  if (!record || place.path !== path) return false;
  return record.name === name && record.host === host && record.port === port;
}

/** The services grouped by endpoint: those of a load test share one. */
function byEndpoint(configs: readonly ServiceConfig[]): readonly (readonly ServiceConfig[])[] {
  const groups = new Map<string, ServiceConfig[]>();
  for (const config of configs) {
    const key = endpointKeyOf(config);
    groups.set(key, [...(groups.get(key) ?? []), config]);
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
