import type { PageNotice, PageRow, PageService, PageView } from '@smartstack/daemon';

import type { CheckStatus } from '../health/monitor.ts';
import type { Service, ServiceStatus } from '../services/service.ts';
import { reasonOf } from './reason.ts';
import { announcedFact, awayNotice, registryFacts } from './registries.ts';

type Named = Pick<Service, 'name' | 'status'>;

/** The page of these services. */
export function pageView(services: readonly Named[], registryAway: boolean): PageView {
  const shown = services.map(({ name, status }) => {
    const now = status();
    const view = serviceView(name, now);
    return { view, now, notice: noticeOf(now, view) };
  });
  const notices: PageNotice[] = shown.flatMap(({ notice }) => notice ?? []);
  const registries = registryFacts(
    shown.flatMap(({ now }) => now.registries),
    registryAway,
  );
  if (registryAway) notices.push(awayNotice(registries));
  const announced = shown.filter(({ now }) => now.announced).length;
  const rank = { bad: 0, warn: 1, idle: 2, good: 3 } as const;
  return {
    facts: [['announced', `${announced} of ${services.length}`, 'good'], ...registries],
    notices: notices.sort((one, other) => rank[one.tone] - rank[other.tone]),
    services: shown
      .map(({ view }) => view)
      .sort((a, b) => rank[a.tone] - rank[b.tone] || (a.name < b.name ? -1 : 1)),
  };
}

function serviceView(name: string, status: ServiceStatus): PageService {
  const { host, port, weight } = status.instance;
  // The reason for down is shown at its check.
  const reason = status.because === 'down' ? '' : reasonOf(status);
  return {
    name,
    ...stateOf(status),
    place: host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`,
    since: status.since.getTime(),
    ...(reason && { reason }),
    facts: [
      ...status.registries.map((each) => announcedFact(each, status.registries.length)),
      ...(weight === undefined ? [] : [['weight', String(weight)] as const]),
      ...(status.until ? [['until', status.until.toISOString()] as const] : []),
    ],
    rows: status.checks.map(rowOf),
    hidden: 0,
  };
}

type Verdict = Pick<PageService, 'tone' | 'state'>;

function stateOf(status: ServiceStatus): Verdict {
  const { state, because } = status;
  switch (because) {
    case 'up':
      return stateUp(status);
    case 'down':
      return { tone: 'bad', state: 'down' };
    case 'not checked yet':
      return { tone: 'idle', state: 'not checked yet' };
    case 'downtime':
      return { tone: 'warn', state: `${state}, taken down` };
    case 'flapping':
      return { tone: 'warn', state: 'up, held down' };
    case 'rate limit':
      return { tone: 'warn', state: 'up, held back' };
  }
}

function stateUp({ announced, trouble, registries }: ServiceStatus): Verdict {
  if (!announced) return { tone: 'warn', state: 'up, not announced yet' };
  const count = registries.filter((each) => each.announced).length;
  if (count < registries.length)
    return { tone: 'warn', state: `up, announced in ${count} of ${registries.length}` };
  return trouble === undefined
    ? { tone: 'good', state: 'up, announced' }
    : { tone: 'warn', state: 'up, announced, a change waits' };
}

function noticeOf(status: ServiceStatus, view: PageService): PageNotice | undefined {
  const { tone, name: service, since } = view;
  if (tone !== 'bad' && tone !== 'warn') return undefined;
  const titles: Partial<Record<ServiceStatus['because'], string>> = {
    down: 'Down',
    downtime: 'Taken down',
    flapping: 'Held down',
    'rate limit': 'Held back',
  };
  return {
    tone,
    title: titles[status.because] ?? titleUp(status),
    text: reasonOf(status),
    service,
    ...(since !== undefined && { since }),
    ...(status.until && { until: status.until.getTime() }),
  };
}

function titleUp({ announced, registries }: ServiceStatus): string {
  if (!announced) return 'Not announced yet';
  return registries.every((each) => each.announced) ? 'A change waits' : 'Not announced everywhere';
}

function rowOf({ name, state, reason }: CheckStatus): PageRow {
  const isFailing = reason !== undefined;
  const tone = { up: isFailing ? 'warn' : 'good', down: 'bad', unknown: 'idle' } as const;
  return {
    title: name,
    state: state === 'up' && isFailing ? 'up, failing' : state,
    tone: tone[state],
    ...(isFailing && { reason }),
  };
}
