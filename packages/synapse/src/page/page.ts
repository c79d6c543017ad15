import { hostname } from 'node:os';

import {
  createTimeSlice,
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
  lastUnhealthy(): number | undefined;
}

/** Synapse's status page. */
export function createSynapsePage(parts: SynapsePageParts): PageSource {
  const { proxies, reconciler } = parts;
  const traffic = createTraffic();
  const steady = createSteady();

  function partsOf(
    service: Service,
    followed: Followed,
    server: SeenProxy | undefined,
  ): Omit<ServiceParts, 'refused'> {
    const measured = traffic.latest.get(service.name);
    return {
      service,
      method: followed.config?.discovery.method ?? 'unknown',
      rows: steady(service.name, rowsOf(service, { followed, server, measured })),
      held: followed.guard?.held(),
      failure: reconciler.failure(service.name),
      trouble: troubleOf(undefined, followed.trace),
      measured,
      routes: traffic.routes(service.name),
      plots: server && plotNames(measured, server.proxy.view.hints),
      isUp: ({ state }) => !server || server.proxy.view.meaningOf(state) === 'up',
      address: server?.proxy.view.placeOf(service.own?.[server.proxy.name], server.section()),
    };
  }

  async function servicesOf(
    seen: readonly SeenProxy[],
    refused: readonly Refused[],
  ): Promise<readonly SeenService[]> {
    const slice = createTimeSlice();
    const services: SeenService[] = [];
    for (const service of reconciler.snapshot().values()) {
      if (slice.isOver) await slice.yield();
      const followed = reconciler.get(service.name);
      if (!followed) continue;
      const server = seen.find(({ proxy: { name } }) => service.own?.[name]);
      const serviceParts: ServiceParts = {
        ...partsOf(service, followed, server),
        refused: refused.find(({ owner }) => owner === service.name),
      };
      services.push({ parts: serviceParts, view: serviceView(serviceParts) });
    }
    return services;
  }

  async function view(): Promise<PageView> {
    const seen = proxies.map(seenOf);
    const registryAway = isAway(parts.lastUnhealthy());
    const refused = seen.flatMap((one) => one.refused);
    const services = await servicesOf(seen, refused);
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
        ...inUse(seen).flatMap(({ proxy, status }) => proxy.view.facts(status)),
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
      const measured = await answersOf(proxies.map(({ driver }) => driver.measure(signal)));
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

const seenOf = (one: RunningProxy): SeenProxy => ({
  ...one,
  status: statusOf(one.driver),
  refused: refusedBy(one.driver),
});

/** The proxies that are touched; where none is, the one that would be. */
function inUse(seen: readonly SeenProxy[]): readonly SeenProxy[] {
  const touched = seen.filter(({ status: { mode } }) => mode !== 'none');
  return touched.length > 0 ? touched : seen.slice(0, 1);
}

/** What those said that answered; rejects where none did. */
async function answersOf<Answer>(asked: readonly Promise<Answer>[]): Promise<readonly Answer[]> {
  const all = await Promise.allSettled(asked);
  const answers = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = all.find((one) => one.status === 'rejected');
  if (answers.length === 0 && failed) throw failed.reason;
  return answers;
}

/** A service at this moment, and how the page shows it. */
interface SeenService {
  readonly parts: ServiceParts;
  readonly view: PageService;
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

/** A registry that is in trouble now says so all the time. */
function isAway(lastUnhealthy: number | undefined): boolean {
  return lastUnhealthy !== undefined && performance.now() - lastUnhealthy < 100;
}
