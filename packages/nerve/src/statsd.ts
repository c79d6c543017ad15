import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

import type { ServiceMeasures } from './measures.ts';

/** Sends counters to a statsd over UDP, with tags in DogStatsD's form, as the originals did. */
export interface Statsd extends Disposable {
  increment(name: string, tags?: Readonly<Record<string, string>>): void;
}

/** One datagram holds no more than a network carries whole. */
const limit = 1400;
const patience = 100;

/** Lines are gathered for a moment and sent together; what is lost on the way is lost. */
export function createStatsd({ host, port }: { host: string; port: number }): Statsd {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.on('error', () => {});
  socket.unref();
  let lines = '';
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (lines !== '') socket.send(lines, port, host, () => {});
    lines = '';
  }

  return {
    increment: (name, tags = {}) => {
      const line = `${name}:1|c${formatTags(tags)}`;
      if (lines.length + line.length >= limit) flush();
      lines += lines === '' ? line : `\n${line}`;
      timer ??= setTimeout(flush, patience).unref();
    },
    [Symbol.dispose]: () => {
      flush();
      socket.close();
    },
  };
}

function formatTags(tags: Readonly<Record<string, string>>): string {
  const words = Object.entries(tags).map(([name, value]) => `${name}:${value}`);
  return words.length > 0 ? `|#${words.join(',')}` : '';
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
    announced: () => report('success'),
    withdrawn: () => report('success'),
    registryError: () => report('fail'),
    held: () => {},
    throttled: (shadow) =>
      statsd.increment('nerve.watcher.throttled', { ...tag, rate_limit_enabled: String(!shadow) }),
  };
}
