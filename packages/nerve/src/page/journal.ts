import type { Journal } from '@smartstack/daemon';

import type { ServiceMeasures } from '../metrics/metrics.ts';
import type { ServiceStatus } from '../services/service.ts';
import { downReason } from './reason.ts';

/** Measures that write a service's changes to the page's journal; `status` gives the reasons. */
export function journalMeasures(
  journal: Journal,
  service: string,
  status: () => ServiceStatus | undefined,
): ServiceMeasures {
  const note = (kind: string, tone: 'good' | 'warn' | 'bad' | 'idle', text: string) =>
    journal.add({ kind, tone, service, text });
  return {
    check: () => () => {},
    state: (up) => {
      const now = status();
      if (up) note('up', 'good', 'all checks pass');
      else note('down', 'bad', now ? downReason(now) : '');
    },
    at: (registry) => {
      const name = registry ?? 'the registry';
      let isTroubled = false;
      return {
        announced: (took) => {
          isTroubled = false;
          note('announced', 'good', `in ${name} after ${Math.round(took)} ms`);
        },
        withdrawn: () => {
          const from = registry === undefined ? '' : `from ${registry}: `;
          note('withdrawn', 'idle', `${from}${whyNot(status())}`);
        },
        registryError: () => {
          if (!isTroubled) note('registry', 'warn', `${name} refuses; it is tried again`);
          isTroubled = true;
        },
      };
    },
    held: () => note('held down', 'warn', 'it flaps'),
    throttled: (shadow) =>
      note('throttled', 'warn', `it is announced too often${shadow ? '' : ', and held back'}`),
  };
}

function whyNot(status: ServiceStatus | undefined): string {
  const { downtime } = status ?? {};
  if (status?.because === 'downtime' && downtime)
    return `taken down by ${downtime.owner}: ${downtime.reason}`;
  return status?.because === 'up' ? 'nerve ends' : (status?.because ?? '');
}
