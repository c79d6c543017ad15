import { type Journal, type StatusAddress, serveStatus, versionOf } from '@smartstack/daemon';
import {
  type Output,
  type ProxyDriver,
  type ProxyStatus,
  refresh,
  statusOf,
} from '@smartstack/proxy';
import type { OpenedRegistries } from '@smartstack/registry';

import type { Reloader } from '../config/reload.ts';
import { compare } from '../operator/compare.ts';
import { explain } from '../operator/explain.ts';
import { describeStatus } from '../operator/status.ts';
import { createSynapsePage, type RunningProxy } from '../page/page.ts';
import { allProxies } from '../proxies.ts';
import type { SynapseDeps } from '../reconcile/followed.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import type { Catalog } from './catalog.ts';
import { createApi } from './handler.ts';
import type { MemberHealth } from './prometheus.ts';

/** Where newer configurations come from. */
export type Reloads = Pick<Reloader, 'changes' | 'problems'>;

/** All that the status, the page and the API show. */
export interface Served extends SynapseDeps {
  readonly reconciler: Reconciler;
  readonly proxies: readonly RunningProxy[];
  /** The same proxies' drivers as the reconciler has them. */
  readonly drivers: readonly ProxyDriver[];
  readonly outputs: readonly Output[];
  readonly catalog: Catalog;
  readonly journal: Journal;
  readonly registries: OpenedRegistries;
  readonly reloads: Reloads;
}

/** Serves the page, `/status`, `/metrics` and `/v1` until the signal aborts. */
export async function serveSynapse(
  address: StatusAddress,
  served: Served,
  signal: AbortSignal,
): Promise<void> {
  const { reconciler, drivers, outputs, reloads, log, metrics } = served;
  const status = async () => {
    await refreshAll(drivers, signal);
    return { config_problems: reloads.problems(), ...describeStatus(reconciler, outputs) };
  };
  const page = pageOf(served);
  const answer = apiOf(served, signal);
  await serveStatus(
    address,
    { log, metrics, ready: reconciler.ready, page, status, answer },
    signal,
  );
}

function pageOf({ reconciler, proxies, journal, reloads, registries }: Served) {
  return createSynapsePage({
    reconciler,
    proxies,
    journal,
    version: versionOf(import.meta.url),
    problems: reloads.problems,
    lastUnhealthy: registries.lastUnhealthy,
  });
}

function apiOf({ reconciler, drivers, catalog }: Served, signal: AbortSignal) {
  return createApi({
    catalog,
    accept: (name) => {
      const one = reconciler.get(name);
      return one && (one.guard?.accept() ?? false);
    },
    health: async () => {
      await refreshAll(drivers, signal);
      return { stateOf: statesOf(drivers) };
    },
    compare: (name) => {
      const one = reconciler.get(name);
      if (!one?.config) return undefined;
      return (
        compare(name, one.config, one.trace) ??
        `${name} is looked for in one place: its discovery is no multi, so there is nothing to compare`
      );
    },
    explain: async (name) => {
      await refreshAll(drivers, signal);
      const [one, service] = [reconciler.get(name), reconciler.snapshot().get(name)];
      const hindrances = {
        failure: reconciler.failure(name),
        refusedPolicy: reconciler.refusedPolicy(name),
      };
      return one && service && explain(one, service, drivers, hindrances);
    },
  });
}

/** Tells a member's state in the proxy that has it. */
function statesOf(drivers: readonly ProxyDriver[]): MemberHealth['stateOf'] {
  const states = new Map<string, string>();
  const keyOf = (service: string, server: string) => JSON.stringify([service, server]);
  for (const driver of drivers) {
    const { services = {} }: ProxyStatus = statusOf(driver);
    for (const [service, { servers }] of Object.entries(services))
      for (const { name, state } of servers ?? []) states.set(keyOf(service, name), state);
  }
  return (service, member) =>
    allProxies
      .map(({ view }) => states.get(keyOf(service, view.serverName(member))))
      .find((state) => state !== undefined);
}

/** Has each driver ask its proxy for its actual state. */
async function refreshAll(drivers: readonly ProxyDriver[], signal: AbortSignal): Promise<void> {
  await Promise.all(drivers.map((driver) => refresh(driver, signal)));
}
