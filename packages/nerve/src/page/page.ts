import type { Journal, PagePlot, PageSource } from '@smartstack/daemon';

import type { CheckStatus } from '../health/monitor.ts';
import { isAway } from '../services/away.ts';
import type { Services } from '../services/services.ts';
import { pageView } from './view.ts';

export interface NervePageParts {
  readonly instance: string;
  readonly version: string;
  readonly services: Pick<Services, 'all'>;
  readonly journal: Journal;
  /** The last time at which a registry was without a connection, on `performance.now`'s clock. */
  lastUnhealthy(): number | undefined;
}

const slowestCheck: PagePlot = {
  label: 'Slowest check',
  unit: 'ms',
  hint: 'How long the latest run of the slowest check took. The percentiles are of one such run a second.',
  tone: 'time',
  percentiles: 'of one run a second',
};

/** Nerve's status page. */
export function createNervePage(parts: NervePageParts): PageSource {
  const { services, journal, instance, version } = parts;
  return {
    journal,
    about: {
      daemon: 'nerve',
      instance,
      version,
      row: 'check',
      plots: [slowestCheck],
      started: Date.now(),
    },
    view: () => pageView(services.all(), isAway(parts.lastUnhealthy())),
    sample: () =>
      Object.fromEntries(
        services.all().map((service) => [service.name, [slowest(service.status().checks)]]),
      ),
  };
}

function slowest(checks: readonly CheckStatus[]): number | null {
  const times = checks.flatMap(({ took }) => took ?? []);
  return times.length > 0 ? Math.max(...times) : null;
}
