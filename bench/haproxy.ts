import { stat } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { haproxySchema } from '../packages/synapse/src/proxies/haproxy/index.ts';
import { render } from '../packages/synapse/src/proxies/haproxy/preview.ts';
import { assignIds } from '../packages/synapse/src/proxies/haproxy/render/ids.ts';
import { capabilitiesOf } from '../packages/synapse/src/proxies/haproxy/render/version.ts';
import { readWritten } from '../packages/synapse/src/proxies/haproxy/render/written.ts';
import { plan } from '../packages/synapse/src/proxies/haproxy/runtime/plan.ts';
import type { ServerState } from '../packages/synapse/src/proxies/haproxy/runtime/state.ts';
import type { Service, Snapshot } from '../packages/synapse/src/service.ts';
import { createRun, drive, pidOf, service } from '../test/support/haproxy.ts';
import { freePort } from '../test/support/ports.ts';
import { heading, row, summarise } from './statistics.ts';

const services = 500;
const members = 20;

/** What changes of members cost in a large proxy: time, CPU, bytes; no reload may be among it. */
export async function haproxy(): Promise<void> {
  await using run = await createRun();
  await using driven = drive(run.config);
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
  await pureParts(snapshot);
}

/** The parts that hold the event loop: the file of all servers, reading it, and the plan for all. */
async function pureParts(snapshot: Snapshot): Promise<void> {
  const settings = {
    config: haproxySchema.parse({ stats_address: false }),
    around: { socket: '/s', stateFile: '/f', maxconn: 1000, account: undefined },
    capabilities: capabilitiesOf('2.6.12'),
    stats: undefined,
  };
  const signal = new AbortController().signal;
  const renders: number[] = [];
  const reads: number[] = [];
  const plans: number[] = [];
  for (let round = 0; round < 20; round++) {
    const before = cpuNow();
    const { desired, file } = await render(settings, snapshot, signal);
    renders.push(cpuNow() - before);
    const { backends } = timed(reads, () => {
      const written = readWritten(file.text);
      return { backends: written.backends };
    });
    if (backends.size !== services) throw new Error('not all was read back');
    timed(plans, () => {
      for (const { part, servers = [] } of desired.values()) {
        const ids = assignIds(servers, new Map(), 268_435_455);
        const told = new Map(servers.map((server) => [server.name, server]));
        const actual = servers.map(
          (server): ServerState => ({
            ...server,
            id: ids.get(server.name) ?? 0,
            weight: 1,
            operational: 'running',
            maintenance: false,
            drain: false,
          }),
        );
        plan({
          backend: part.stanza.backendName,
          traits: part.traits,
          desired: servers,
          ids,
          actual,
          told,
          leaving: new Map(),
        });
      }
    });
  }
  const all = services * members;
  say(row(`CPU: render ${all} servers, from nothing`, summarise(renders)));
  say(row(`CPU: read ${all} servers back from the file`, summarise(reads)));
  say(row(`CPU: plan ${all} servers`, summarise(plans)));
}

function timed<T>(times: number[], work: () => T): T {
  const before = cpuNow();
  const result = work();
  times.push(cpuNow() - before);
  return result;
}

/** CPU time of this process in milliseconds: what holds the event loop, whatever else the machine does. */
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
