import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { connect, type Session } from '@smartstack/zookeeper';

import { startDaemon } from '../test/support/daemon.ts';
import { createScratch } from '../test/support/scratch.ts';
import { until } from '../test/support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../test/support/zookeeper.ts';
import { installed } from './installed.ts';
import { summarise } from './statistics.ts';

interface Load {
  readonly kind: 'tcp' | 'http';
  readonly count: number;
  /** In seconds. */
  readonly interval: number;
  /** What Airbnb's nerve 0.9.7 took, measured under the same load: seconds, percent, megabytes, milliseconds. */
  readonly original?: Figures;
}

interface Figures {
  readonly announced: number;
  readonly processor: number;
  readonly memory: number;
  readonly p50: number;
  readonly p95: number;
}

const loads: readonly Load[] = [
  {
    kind: 'tcp',
    count: 500,
    interval: 0.5,
    original: { announced: 1.8, processor: 60.6, memory: 52, p50: 262, p95: 467 },
  },
  { kind: 'http', count: 500, interval: 0.5 },
  { kind: 'tcp', count: 2000, interval: 1 },
];
/** How long the processor is watched, and how many ports are closed. */
const seconds = 30;
const closings = 100;

/** What many checks cost, and how soon a closed port is gone from the registry. */
export async function nerve(): Promise<void> {
  for (const load of loads) await measure(load);
}

async function measure(load: Load): Promise<void> {
  const { kind, count, interval, original } = load;
  process.stdout.write(`\n${count} ${kind} checks, one each ${interval} s\n`);
  await using zookeeper = await startZooKeeper();
  await using scratch = await createScratch();
  await using session = connect({ hosts: [zookeeper.hosts] });
  await using servers = await startServers(load);
  const { ports } = servers;
  const begin = performance.now();
  const config = configOf(ports, load, zookeeper, scratch.directory);
  await using daemon = await startDaemon('nerve', config, scratch.directory, {
    command: await installed('nerve', scratch.path('installed')),
  });
  const told = (message: string) => daemon.log.filter(({ msg }) => msg === message).length;
  await until(() => told('announced') >= ports.length, 180_000);
  say('all announced after', (performance.now() - begin) / 1000, 's', original?.announced);
  await sleep(5000);
  const before = await processorTime(daemon.pid);
  await sleep(seconds * 1000);
  const used = (await processorTime(daemon.pid)) - before;
  say('processor', (used / seconds) * 100, '% of a core', original?.processor);
  say('resident memory', (await residentBytes(daemon.pid)) / 2 ** 20, 'MB', original?.memory);
  const gone = await Promise.all(
    ports.slice(0, closings).map((port, index) => close(servers, session, port, index)),
  );
  const { p50, p95, p99 } = summarise(gone);
  say('closed port → gone from the registry, p50', p50, 'ms', original?.p50);
  say('p95', p95, 'ms', original?.p95);
  say(`p99 (the check interval and ${(p99 - interval * 1000).toFixed(0)} ms)`, p99, 'ms');
  say('services taken for down wrongly', told('service is down') - closings, '');
}

function configOf(
  ports: readonly number[],
  { kind, interval }: Load,
  { hosts }: ZooKeeper,
  directory: string,
): object {
  const check = kind === 'tcp' ? { type: 'tcp' } : { type: 'http', uri: '/' };
  const service = (port: number) => ({
    host: '127.0.0.1',
    port,
    zk_path: `/bench/${port}`,
    check_interval: interval,
    checks: [check],
  });
  return {
    instance_id: 'bench',
    status_address: false,
    state_directory: directory,
    zookeeper: { hosts: [hosts] },
    services: Object.fromEntries(ports.map((port) => [`service-${port}`, service(port)])),
  };
}

/** Closes one port at its own moment, and waits until its record is gone: milliseconds. */
async function close(
  { send, closed }: Servers,
  session: Session,
  port: number,
  index: number,
): Promise<number> {
  const ended = new AbortController();
  const lists = session.children(`/bench/${port}`, ended.signal)[Symbol.asyncIterator]();
  await lists.next();
  await sleep(index * 97);
  send(port);
  await lists.next();
  const now = Number(process.hrtime.bigint()) / 1e6;
  ended.abort();
  return now - (await until(() => closed.get(port)));
}

interface Servers extends AsyncDisposable {
  readonly ports: readonly number[];
  /** Closes one. */
  send(port: number): void;
  /** When each was closed, on `process.hrtime`'s clock, in milliseconds. */
  readonly closed: ReadonlyMap<number, number>;
}

/** The servers run in a process of their own: what they cost is not nerve's. */
async function startServers({ kind, count }: Load): Promise<Servers> {
  const program = fileURLToPath(new URL('nerve/servers.ts', import.meta.url));
  const child = fork(program, [kind, String(count)]);
  const [ports] = (await once(child, 'message')) as [readonly number[]];
  const closed = new Map<number, number>();
  child.on('message', ({ port, at }: { port: number; at: number }) => closed.set(port, at));
  return {
    ports,
    send: (port) => void child.send(port),
    closed,
    [Symbol.asyncDispose]: async () => {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

/** What a process used of the processor so far, in seconds. */
async function processorTime(pid: number): Promise<number> {
  const [, rest = ''] = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ');
  const fields = rest.split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

async function residentBytes(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(text)?.[1] ?? Number.NaN) * 1024;
}

function say(what: string, value: number, unit: string, original?: number): void {
  const figure = `${value.toFixed(value < 100 ? 1 : 0)} ${unit}`.trim();
  const ratio =
    original === undefined ? '' : `original ${original}, ×${(value / original).toFixed(2)}`;
  process.stdout.write(`${what.padEnd(44)}${figure.padEnd(20)}${ratio}`.trimEnd());
  process.stdout.write('\n');
}
