import { hostname } from 'node:os';

import {
  createBreath,
  type Journal,
  type PageRow,
  type PageService,
  type PageSource,
  type PageView,
} from '@smartstack/daemon';

import {
  type Measured,
  type ProxyDriver,
  type ProxyKind,
  type ProxyStatus,
  type Refused,
  refusedBy,
  type Service,
  statusOf,
} from '@smartstack/proxy';

import { troubleOf } from '../discovery/trace.ts';
import { defaultProxy } from '../proxies.ts';
import type { Followed } from '../reconcile/follower.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import { memberRows } from './members.ts';
import { noticesOf } from './notices.ts';
import { plotNames, trafficPlots } from './plots.ts';
import { type ServiceParts, serviceView } from './service-view.ts';
import { createSteady } from './steady.ts';
import { createTraffic } from './traffic.ts';

/** A proxy with its driver. */
export interface RunningProxy {
  readonly proxy: ProxyKind;
  readonly driver: ProxyDriver;
  /** Its section at the top level, as it is now. */
  section(): unknown;
}

export interface SynapsePageParts {
  readonly reconciler: Pick<Reconciler, 'get' | 'snapshot' | 'failure'>;
  readonly proxies: readonly RunningProxy[];
  readonly journal: Journal;
  readonly version: string;
  problems(): readonly string[];
  /** The last moment at which a registry was in trouble, on `performance.now`'s clock. */
  lastUnwell(): number | undefined;
}

/** Synapse's status page. */
export function createSynapsePage(parts: SynapsePageParts): PageSource {
  const { proxies, reconciler } = parts;
  const traffic = createTraffic();
  const steady = createSteady();

  async function view(): Promise<PageView> {
    const seen = proxies.map(
      (one): SeenProxy => ({
        ...one,
        status: statusOf(one.driver),
        refused: refusedBy(one.driver),
      }),
    );
    const refused = seen.flatMap((one) => one.refused);
    const registryAway = isAway(parts.lastUnwell());
    const breath = createBreath();
    const services: { readonly parts: ServiceParts; readonly view: PageService }[] = [];
    for (const service of reconciler.snapshot().values()) {
      if (breath.isDue) await breath.take();
      const followed = reconciler.get(service.name);
      if (!followed) continue;
      const measured = traffic.latest.get(service.name);
      const server = seen.find(({ proxy: { name } }) => service.own?.[name]);
      const serviceParts: ServiceParts = {
        service,
        method: followed.config?.discovery.method ?? 'unknown',
        rows: steady(service.name, rowsOf(service, { followed, server, measured })),
        held: followed.guard?.held(),
        failure: reconciler.failure(service.name),
        trouble: troubleOf(undefined, followed.trace),
        refused: refused.find(({ owner }) => owner === service.name),
        measured,
        routes: traffic.routes(service.name),
        plots: server && plotNames(measured, server.proxy.view.hints),
        address: server?.proxy.view.placeOf(service.own?.[server.proxy.name], server.section()),
      };
      services.push({ parts: serviceParts, view: serviceView(serviceParts) });
    }
    const notices = noticesOf({
      problems: parts.problems(),
      troubles: seen.flatMap(({ proxy: { title }, status: { trouble } }) =>
        trouble ? [{ title, trouble }] : [],
      ),
      refused,
      registryAway,
      services,
    });
    return {
      notices,
      facts: [
        ...seen.flatMap(({ proxy, status }) => proxy.view.facts(status)),
        ['registry', registryAway ? 'away' : 'well', registryAway ? 'warn' : 'good'],
      ],
      services: services.map((each) => each.view).sort(byTrouble),
    };
  }

  return {
    about: {
      daemon: 'synapse',
      instance: hostname(),
      version: parts.version,
      row: 'member',
      plots: trafficPlots(proxies.map(({ proxy }) => proxy.view.hints)),
      started: Date.now(),
    },
    journal: parts.journal,
    view,
    measure: async (signal) => {
      const measured = await Promise.all(proxies.map(({ driver }) => driver.measure(signal)));
      traffic.take(new Map(measured.flatMap((one) => [...one])), Date.now());
    },
    sample: traffic.sample,
  };
}

/** A proxy and what its driver says at this moment. */
interface SeenProxy extends RunningProxy {
  readonly status: ProxyStatus;
  readonly refused: readonly Refused[];
}

interface Behind {
  readonly followed: Followed;
  /** The proxy that serves it; undefined where none does. */
  readonly server: SeenProxy | undefined;
  readonly measured: Measured | undefined;
}

function rowsOf(service: Service, { followed, server, measured }: Behind): readonly PageRow[] {
  const known = server?.status.services?.[service.name]?.servers ?? [];
  return memberRows(followed, service, {
    nameOf: (server?.proxy ?? defaultProxy).view.serverName,
    known: new Map(known.map((one) => [one.name, one])),
    measured: measured?.servers,
    proxy: server?.proxy.view,
  });
}

const byTrouble = (one: PageService, other: PageService) =>
  rank[one.tone] - rank[other.tone] || (one.name < other.name ? -1 : 1);
const rank = { bad: 0, warn: 1, idle: 2, good: 3 } as const;

/** A registry that is in trouble now says so at every moment. */
function isAway(lastUnwell: number | undefined): boolean {
  return lastUnwell !== undefined && performance.now() - lastUnwell < 100;
}
