import { hostname } from 'node:os';

import {
  createBreath,
  type Journal,
  type PageRow,
  type PageService,
  type PageSource,
  type PageView,
} from '@smartstack/daemon';

import { troubleOf } from '../discovery/trace.ts';
import type { Followed } from '../followers.ts';
import type { HaproxyConfig } from '../proxies/haproxy/index.ts';
import { serverName } from '../proxies/haproxy/index.ts';
import type { Measured } from '../proxies/measured.ts';
import type { ProxyDriver } from '../proxies/proxy.ts';
import { refusedBy, statusOf } from '../proxies/status-of.ts';
import type { Reconciler } from '../reconciler.ts';
import type { Service } from '../service.ts';
import { type KnownServer, memberRows } from './members.ts';
import { noticesOf } from './notices.ts';
import { type ServiceParts, serviceView } from './service-view.ts';
import { createTraffic, trafficPlots } from './traffic.ts';

export interface SynapsePageParts {
  readonly reconciler: Pick<Reconciler, 'get' | 'snapshot' | 'failure'>;
  readonly proxy: ProxyDriver;
  haproxy(): HaproxyConfig;
  readonly journal: Journal;
  readonly version: string;
  problems(): readonly string[];
  /** The last moment at which a registry was in trouble, on `performance.now`'s clock. */
  lastUnwell(): number | undefined;
}

/** What HAProxy's driver says of itself. */
interface ProxyStatus {
  readonly trouble?: string | null;
  readonly mode?: string;
  readonly version?: string;
  readonly file?: string;
  readonly reload?: { readonly waitingFor?: Readonly<Record<string, string>> };
  readonly services?: Readonly<Record<string, { readonly servers?: readonly KnownServer[] }>>;
}

/** Synapse's status page. */
export function createSynapsePage(parts: SynapsePageParts): PageSource {
  const { proxy, reconciler } = parts;
  const traffic = createTraffic();
  const steady = createSteady();

  async function view(): Promise<PageView> {
    const status = (statusOf(proxy) ?? {}) as ProxyStatus;
    const refused = refusedBy(proxy);
    const registryAway = isAway(parts.lastUnwell());
    const breath = createBreath();
    const services: { readonly parts: ServiceParts; readonly view: PageService }[] = [];
    for (const service of reconciler.snapshot().values()) {
      if (breath.isDue) await breath.take();
      const followed = reconciler.get(service.name);
      if (!followed) continue;
      const measured = traffic.latest.get(service.name);
      const serviceParts: ServiceParts = {
        service,
        method: followed.config?.discovery.method ?? 'unknown',
        rows: steady(service.name, rowsOf(service, followed, status, measured)),
        held: followed.guard?.held(),
        failure: reconciler.failure(service.name),
        trouble: troubleOf(undefined, followed.trace),
        refused: refused.find(({ owner }) => owner === service.name),
        measured,
        address: addressOf(service, parts.haproxy()),
      };
      services.push({ parts: serviceParts, view: serviceView(serviceParts) });
    }
    const notices = noticesOf({
      problems: parts.problems(),
      trouble: status.trouble ?? null,
      refused,
      registryAway,
      services,
    });
    return {
      notices,
      facts: factsOf(status, registryAway),
      services: services.map((each) => each.view).sort(byTrouble),
    };
  }

  return {
    about: {
      daemon: 'synapse',
      instance: hostname(),
      version: parts.version,
      row: 'member',
      plots: trafficPlots,
      started: Date.now(),
    },
    journal: parts.journal,
    view,
    measure: async (signal) => {
      const measured = await proxy.measure?.(signal);
      if (measured) traffic.take(measured, Date.now());
    },
    sample: traffic.sample,
  };
}

function rowsOf(
  service: Service,
  followed: Followed,
  { services = {} }: ProxyStatus,
  measured: Measured | undefined,
): readonly PageRow[] {
  const known = services[service.name]?.servers ?? [];
  return memberRows(followed, service, {
    nameOf: serverName,
    known: new Map(known.map((server) => [server.name, server])),
    measured: measured?.servers,
    proxied: service.haproxy !== undefined,
  });
}

/** Where apps reach a service. */
function addressOf({ haproxy }: Service, top: HaproxyConfig): string | undefined {
  if (!haproxy) return undefined;
  const { port, bind_address: own, shared_frontend: shared } = haproxy;
  const address = own ?? top.bind_address;
  if (port === undefined) return shared ? 'the shared frontend' : 'its backend only';
  return port === null ? address : `${address}:${port}`;
}

const byTrouble = (one: PageService, other: PageService) =>
  rank[one.tone] - rank[other.tone] || (one.name < other.name ? -1 : 1);
const rank = { bad: 0, warn: 1, idle: 2, good: 3 } as const;

function factsOf(
  { version, mode, file, reload }: ProxyStatus,
  registryAway: boolean,
): PageView['facts'] {
  const waiting = Object.values(reload?.waitingFor ?? {});
  const own: PageView['facts'] =
    mode === 'none'
      ? [['HAProxy', 'none is asked for', 'good']]
      : [
          [
            'HAProxy',
            version ? `${version}, ${mode}` : 'does not run yet',
            version ? 'good' : 'warn',
          ],
          ['its file', file ?? 'not written yet', file === 'in step' ? 'good' : 'warn'],
        ];
  return [
    ...own,
    ...(waiting.length > 0 ? [['reload waits', waiting.join(', '), 'warn'] as const] : []),
    ['registry', registryAway ? 'away' : 'well', registryAway ? 'warn' : 'good'],
  ];
}

/** A registry that is in trouble now says so at every moment. */
function isAway(lastUnwell: number | undefined): boolean {
  return lastUnwell !== undefined && performance.now() - lastUnwell < 100;
}

/**
 * HAProxy tells ages in whole seconds, so that the same beginning comes out a second earlier or later
 * each time: as long as the state is the same, so is its beginning.
 */
function createSteady() {
  const seen = new Map<string, ReadonlyMap<string, PageRow>>();
  return (service: string, rows: readonly PageRow[]): readonly PageRow[] => {
    const before = seen.get(service);
    const now = new Map<string, PageRow>();
    for (const row of rows) {
      const key = `${row.name} ${row.title}`;
      const old = before?.get(key)?.since;
      const isSame =
        row.since !== undefined && old !== undefined && Math.abs(row.since - old) < 2500;
      now.set(key, isSame ? { ...row, since: old } : row);
    }
    seen.set(service, now);
    return [...now.values()];
  };
}
