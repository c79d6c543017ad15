import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { connect, type Session } from '@smartstack/zookeeper';

import { startDaemon } from '../test/support/daemon.ts';
import { createScratch } from '../test/support/scratch.ts';
import { until } from '../test/support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../test/support/zookeeper.ts';
import { heading, row, summarise } from './statistics.ts';

interface Load {
  readonly kind: 'tcp' | 'http';
  readonly count: number;
  /** In seconds. */
  readonly interval: number;
}

const loads: readonly Load[] = [
  { kind: 'tcp', count: 500, interval: 0.5 },
  { kind: 'http', count: 500, interval: 0.5 },
  { kind: 'tcp', count: 2000, interval: 1 },
];
/** How long the processor is watched, and how many ports are closed. */
const seconds = 30;
const closings = 50;

/** What many checks cost, and how soon a closed port is gone from the registry. */
export async function nerve(): Promise<void> {
  for (const load of loads) await measure(load);
}

async function measure({ kind, count, interval }: Load): Promise<void> {
  process.stdout.write(`\n${count} ${kind} checks, one each ${interval} s\n`);
  await using zookeeper = await startZooKeeper();
  await using scratch = await createScratch();
  await using session = connect({ hosts: [zookeeper.hosts] });
  const servers = await startServers({ kind, count, interval });
  const { ports } = servers;
  try {
    const begin = performance.now();
    const config = configOf(ports, { kind, count, interval }, zookeeper, scratch.directory);
    await using daemon = await startDaemon('nerve', config, scratch.directory);
    const announced = () => daemon.log.filter(({ msg }) => msg === 'announced').length;
    await until(() => announced() >= ports.length, 60_000);
    say('all announced after', `${((performance.now() - begin) / 1000).toFixed(1)} s`);
    await sleep(5000);
    const before = await processorTime(daemon.pid);
    await sleep(seconds * 1000);
    const used = (await processorTime(daemon.pid)) - before;
    say('processor', `${((used / seconds) * 100).toFixed(1)} % of a core`);
    say('resident memory', `${((await residentBytes(daemon.pid)) / 2 ** 20).toFixed(0)} MB`);
    const gone = await Promise.all(
      ports.slice(0, closings).map((port, index) => close(servers, session, port, index)),
    );
    process.stdout.write(
      `${heading}\n${row('closed port → gone from the registry', summarise(gone))}\n`,
    );
    const mistaken = daemon.log.filter(({ msg }) => msg === 'service is down').length - closings;
    say('services taken for down wrongly', `${mistaken}`);
  } finally {
    servers.process.disconnect();
  }
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
  { process: servers, closed }: Servers,
  session: Session,
  port: number,
  index: number,
): Promise<number> {
  const ended = new AbortController();
  const lists = session.children(`/bench/${port}`, ended.signal)[Symbol.asyncIterator]();
  await lists.next();
  await sleep(index * 97);
  servers.send(port);
  const begin = await until(() => closed.get(port));
  await lists.next();
  ended.abort();
  return performance.now() - begin;
}

interface Servers {
  readonly process: ChildProcess;
  readonly ports: readonly number[];
  /** When a port was closed, by `performance.now`. */
  readonly closed: ReadonlyMap<number, number>;
}

async function startServers({ kind, count }: Load): Promise<Servers> {
  const program = fileURLToPath(new URL('nerve/servers.ts', import.meta.url));
  const child = fork(program, [kind, String(count)]);
  const [ports] = (await once(child, 'message')) as [readonly number[]];
  const closed = new Map<number, number>();
  child.on('message', (port: number) => closed.set(port, performance.now()));
  return { process: child, ports, closed };
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

function say(what: string, value: string): void {
  process.stdout.write(`${what.padEnd(44)}${value.padStart(9)}\n`);
}
