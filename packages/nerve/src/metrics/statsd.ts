import type { Statsd } from '@smartstack/daemon';

import type { ServiceMeasures } from './metrics.ts';

const stopped = { stop_avenue: 'clean', stop_location: 'main_loop' };

/** The original nerve's counters of the daemon's start, stop and reloads. */
export function statsdLife(statsd: Statsd) {
  return {
    started: () => statsd.increment('nerve.start'),
    configured: () => statsd.increment('nerve.config.update'),
    stopped: () => statsd.increment('nerve.stop', stopped),
    /** Counts the start and the end of a service's task. */
    watched: async (service: string, run: Promise<void>): Promise<void> => {
      const tag = { service_name: service };
      statsd.increment('nerve.watcher.start', tag);
      await run.finally(() => statsd.increment('nerve.watcher.stop', { ...stopped, ...tag }));
    },
  };
}

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
    at: () => ({
      announced: () => report('success'),
      withdrawn: () => report('success'),
      registryError: () => report('fail'),
    }),
    held: () => {},
    throttled: (shadow) =>
      statsd.increment('nerve.watcher.throttled', { ...tag, rate_limit_enabled: String(!shadow) }),
  };
}
