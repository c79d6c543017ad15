import { type Journal, type StatusAddress, serveStatus, versionOf } from '@smartstack/daemon';
import { type Output, type ProxyDriver, refresh } from '@smartstack/proxy';
import type { OpenedRegistries } from '@smartstack/registry';

import type { Reloader } from '../config/reload.ts';
import { explain } from '../operator/explain.ts';
import { describeStatus } from '../operator/status.ts';
import { createSynapsePage, type RunningProxy } from '../page/page.ts';
import type { SynapseDeps } from '../reconcile/followed.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import type { Catalog } from './catalog.ts';
import { createApi } from './handler.ts';

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

/** Has each driver ask its proxy for its actual state. */
async function refreshAll(drivers: readonly ProxyDriver[], signal: AbortSignal): Promise<void> {
  await Promise.all(drivers.map((driver) => refresh(driver, signal)));
}
