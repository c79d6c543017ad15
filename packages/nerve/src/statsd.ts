import type { Statsd } from '@smartstack/daemon';

import type { ServiceMeasures } from './measures.ts';

/** One service's measures under the originals' names. */
export function statsdMeasures(statsd: Statsd, service: string): ServiceMeasures {
  const tag = { service_name: service };
  const report = (result: 'success' | 'fail') =>
    statsd.increment('nerve.watcher.status.report.count', { report_result: result, ...tag });
  return {
    check: (check) => (passed) =>
      statsd.increment('nerve.watcher.status.service_check', {
        check_result: passed ? 'up' : 'down',
        ...tag,
        check_name: check,
      }),
    state: (up) =>
      statsd.increment('nerve.watcher.status.transition', {
        new_status: up ? 'up' : 'down',
        ...tag,
      }),
    announced: () => report('success'),
    withdrawn: () => report('success'),
    registryError: () => report('fail'),
    held: () => {},
    throttled: (shadow) =>
      statsd.increment('nerve.watcher.throttled', { ...tag, rate_limit_enabled: String(!shadow) }),
  };
}
