import { createSocket } from 'node:dgram';
import { isIPv6 } from 'node:net';

/** Sends counters to a statsd over UDP, with tags in DogStatsD's form, as the originals did. */
export interface Statsd extends Disposable {
  increment(name: string, tags?: Readonly<Record<string, string>>): void;
}

export interface StatsdOptions {
  readonly host: string;
  readonly port: number;
  /** Which share of a counter's increments is sent, by its name; all of one that is not named. */
  readonly sampleRates?: Readonly<Record<string, number>> | undefined;
}

/** One datagram holds no more than a network carries whole. */
const limit = 1400;
const patience = 100;

/** Lines are gathered for a moment and sent together; what is lost on the way is lost. */
export function createStatsd({ host, port, sampleRates = {} }: StatsdOptions): Statsd {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.on('error', () => {});
  socket.unref();
  let lines = '';
  let timer: NodeJS.Timeout | undefined;
  let closed = false;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (lines !== '') socket.send(lines, port, host, () => {});
    lines = '';
  }

  return {
    increment: (name, tags = {}) => {
      const rate = Object.hasOwn(sampleRates, name) ? (sampleRates[name] ?? 1) : 1;
      if (closed || Math.random() >= rate) return;
      const line = `${name}:1|c${rate < 1 ? `|@${rate}` : ''}${formatTags(tags)}`;
      if (lines.length + line.length >= limit) flush();
      lines += lines === '' ? line : `\n${line}`;
      timer ??= setTimeout(flush, patience).unref();
    },
    [Symbol.dispose]: () => {
      closed = true;
      clearTimeout(timer);
      if (lines === '') socket.close();
      else socket.send(lines, port, host, () => socket.close());
    },
  };
}

function formatTags(tags: Readonly<Record<string, string>>): string {
  const words = Object.entries(tags).map(([name, value]) => `${name}:${value}`);
  return words.length > 0 ? `|#${words.join(',')}` : '';
}
