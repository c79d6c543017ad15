import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { haproxySchema } from '../packages/haproxy/src/config/config.ts';
import { policyFiles } from '../packages/haproxy/src/policy/files.ts';
import { capabilitiesOf } from '../packages/haproxy/src/render/version.ts';
import { render } from '../packages/haproxy/src/status/preview.ts';
import type { Service, Snapshot } from '../packages/proxy/src/service.ts';
import { createRun, drive, pidOf, service, type TopConfig } from '../test/support/haproxy.ts';
import { freePort } from '../test/support/ports.ts';
import { longestHold } from './haproxy/loop.ts';
import { heading, row, summarise } from './statistics.ts';

const services = 500;
const members = 20;
const all = services * members;
const auditInterval = 2_000;
const { signal } = new AbortController();

/** What changes of members cost in a large proxy: time, CPU, bytes; no reload may be among it. */
export async function haproxy(): Promise<void> {
  await using run = await createRun();
  const driven = drive(run.config);
  let snapshot = await largeSnapshot();
  const started = performance.now();
  await driven.apply(snapshot);
  say(
    `${services} services × ${members} servers: started in ${ms(performance.now() - started)} ms`,
  );
  const worker = pidOf(driven);
  say(heading);
  for (const [count, rounds] of [
    [1, 200],
    [100, 20],
    [1_000, 5],
  ] as const) {
    const times: number[] = [];
    const before = cpuNow();
    for (let round = 0; round < rounds; round++) {
      snapshot = changed(snapshot, count, round);
      const start = performance.now();
      await driven.apply(snapshot);
      times.push(performance.now() - start);
      await sleep(20);
    }
    const cpu = (cpuNow() - before) / rounds / count;
    say(`${row(`apply ${count} changes`, summarise(times))}   ${cpu.toFixed(2)} ms CPU a change`);
  }
  if (pidOf(driven) !== worker) throw new Error('a membership change reloaded HAProxy');
  const { size } = await stat(run.path('run', 'haproxy.cfg'));
  say(`bytes written: at most ${Math.round(size / 1024)} KB a second, however many changes`);
  await driven[Symbol.asyncDispose]();
  await holds(run.config, snapshot);
}

/** How long each kind of work holds the event loop, in which everything else of synapse waits. */
async function holds(config: TopConfig, start: Snapshot): Promise<void> {
  await using driven = drive({
    ...config,
    audit_interval: `${auditInterval}ms`,
    restart_interval: 0,
  });
  let snapshot = start;
  await driven.apply(snapshot);
  const settings = {
    config: haproxySchema.parse({ stats_address: false }),
    around: { socket: '/s', stateFile: '/f', maxconn: 1000, account: undefined },
    files: policyFiles('/run/synapse/haproxy.cfg'),
    capabilities: capabilitiesOf('2.6.12'),
    stats: undefined,
  };
  const works: Readonly<Record<string, (round: number) => Promise<() => Promise<unknown>>>> = {
    [`render ${all} servers, from nothing`]: async () => () => render(settings, snapshot, signal),
    [`plan ${all} servers (an audit)`]: async () => async () => {
      await sleep(auditInterval + 100);
      await driven.apply(snapshot);
    },
    '1,000 changes, with their file and removals': async (round) => {
      snapshot = changed(snapshot, 1_000, 100 + round);
      return async () => {
        await driven.apply(snapshot);
        await sleep(1_500);
      };
    },
    'a reload': async (round) => {
      const more = service(`more-${round}`, { port: await freePort() }, []);
      return () => driven.apply(new Map([...snapshot, [more.name, more]]));
    },
  };
  say(heading.replace('milliseconds'.padEnd(24), 'event loop held, CPU ms '.padEnd(24)));
  for (const [name, work] of Object.entries(works)) {
    const times: number[] = [];
    for (let round = 0; round < 5; round++) times.push(await longestHold(await work(round)));
    say(row(name, summarise(times)));
  }
}

/** CPU time of this process in milliseconds. */
function cpuNow(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}

async function largeSnapshot(): Promise<Snapshot> {
  const all: Service[] = [];
  for (let index = 0; index < services; index++) {
    const instances = Array.from({ length: members }, (_, each) => memberOf(index, each + 1));
    all.push(service(`service-${index}`, { port: await freePort() }, instances));
  }
  return new Map(all.map((one) => [one.name, one]));
}

const memberOf = (index: number, each: number) => ({
  host: `10.${index >> 8}.${index & 255}.${each}`,
  port: 8_080,
  name: `vm-${index}-${each}`,
});

/** The same snapshot with one member of each of so many services replaced. */
function changed(snapshot: Snapshot, count: number, round: number): Snapshot {
  const next = new Map(snapshot);
  const names = [...snapshot.keys()];
  for (let change = 0; change < count; change++) {
    const index = (round * count + change) % services;
    const before = next.get(names[index] ?? '');
    if (!before?.instances) continue;
    const [, ...rest] = before.instances;
    const fresh = memberOf(index, 30 + ((round * 7 + change) % 200));
    const instances = [...rest.filter(({ host }) => host !== fresh.host), fresh];
    next.set(before.name, { ...before, instances });
  }
  return next;
}

const ms = (value: number) => value.toFixed(0);
const say = (line: string) => process.stdout.write(`${line}\n`);
