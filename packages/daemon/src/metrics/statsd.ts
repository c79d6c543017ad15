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

/** The most bytes in one datagram, so that it is not fragmented. */
const limit = 1400;
const patience = 100;

/** Lines are gathered for a moment and sent together, without delivery guarantees. */
export function createStatsd({ host, port, sampleRates = {} }: StatsdOptions): Statsd {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4');
  socket.on('error', () => {});
  socket.unref();
  const batch = createBatch((lines) => socket.send(lines, port, host, () => {}));
  let closed = false;

  return {
    increment: (name, tags = {}) => {
      const rate = Object.hasOwn(sampleRates, name) ? (sampleRates[name] ?? 1) : 1;
      if (closed || Math.random() >= rate) return;
      batch.add(`${name}:1|c${rate < 1 ? `|@${rate}` : ''}${formatTags(tags)}`);
    },
    [Symbol.dispose]: () => {
      closed = true;
      const lines = batch.end();
      if (lines === '') socket.close();
      else socket.send(lines, port, host, () => socket.close());
    },
  };
}

/** Gathers lines for a moment, at most one datagram of them. `end` returns those that were not sent yet. */
function createBatch(send: (lines: string) => void) {
  let lines = '';
  let timer: NodeJS.Timeout | undefined;

  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (lines !== '') send(lines);
    lines = '';
  }

  return {
    add: (line: string): void => {
      if (lines.length + line.length >= limit) flush();
      lines += lines === '' ? line : `\n${line}`;
      timer ??= setTimeout(flush, patience).unref();
    },
    end: (): string => {
      clearTimeout(timer);
      return lines;
    },
  };
}

function formatTags(tags: Readonly<Record<string, string>>): string {
  const words = Object.entries(tags).map(([name, value]) => `${name}:${value}`);
  return words.length > 0 ? `|#${words.join(',')}` : '';
}
