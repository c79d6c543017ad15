import { setTimeout as sleep } from 'node:timers/promises';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { createFileRegistry } from '@smartstack/registry';

import { startDaemon } from '../../test/support/daemon.ts';
import {
  createRun,
  type Driven,
  drive,
  member,
  pidOf,
  service,
  snapshotOf,
} from '../../test/support/haproxy.ts';
import { freePort } from '../../test/support/ports.ts';
import { until } from '../../test/support/until.ts';
import { type Servers, startClient, startServers } from './workers.ts';

/** Everything that a deploy, an operator or bad luck does, under traffic. The aim is no lost request at all. */
const scenarios = {
  '500 membership changes at 20/s': churn,
  '20 reloads': reloads,
  'all 50 backends replaced': rolling,
  '10 kill -9 of synapse': kills,
} as const;

const clients = {
  'close, http': { mode: 'http', perConnection: 1 },
  'keep-alive, http': { mode: 'http', perConnection: 100 },
  'close, tcp': { mode: 'tcp', perConnection: 1 },
  'keep-alive, tcp': { mode: 'tcp', perConnection: 100 },
} as const;

const rate = Number(process.env.RATE ?? 3000);
const wanted = Number(process.env.REQUESTS ?? 100_000);

interface Stage {
  readonly port: number;
  readonly mode: 'http' | 'tcp';
  readonly servers: Servers;
  readonly run: Awaited<ReturnType<typeof createRun>>;
}

/** Counts lost requests in each scenario with each kind of client; throws when any was lost. */
export async function lossless(only = ''): Promise<void> {
  let lost = 0;
  for (const [name, scenario] of Object.entries(scenarios))
    for (const [kind, { mode, perConnection }] of Object.entries(clients)) {
      const title = `${name}, ${kind}`;
      if (!title.includes(only)) continue;
      await using run = await createRun();
      await using servers = startServers();
      const port = await freePort();
      const report = await scenario({ port, mode, servers, run }, async (work) => {
        const client = startClient({ port, perConnection, connections: 16, rate, atLeast: wanted });
        await work();
        return client.end();
      });
      const reasons = report.reasons.map(([reason, count]) => `${count} ${reason}`).join(', ');
      process.stdout.write(
        `${title.padEnd(52)}${String(report.failed).padStart(6)} of ${String(report.sent).padStart(7)} lost  ${reasons}\n`,
      );
      lost += report.failed;
    }
  if (lost > 0) throw new Error(`${lost} requests were lost`);
}

type UnderTraffic = (
  work: () => Promise<void>,
) => ReturnType<ReturnType<typeof startClient>['end']>;

const webOf = ({ port, mode }: Stage, ports: readonly number[]) =>
  service(
    'web',
    { port, listen: [`mode ${mode}`] },
    ports.map((each) => member(each)),
  );

const openMany = async (servers: Servers, count: number) => {
  const ports: number[] = [];
  for (let index = 0; index < count; index++) ports.push(await servers.open());
  return ports;
};

async function churn(stage: Stage, under: UnderTraffic) {
  const ports = await openMany(stage.servers, 8);
  await using driven = drive(stage.run.config);
  await driven.apply(snapshotOf(webOf(stage, ports)));
  const worker = pidOf(driven);
  const report = await under(async () => {
    for (let change = 0; change < 500; change++) {
      const out = ports[change % ports.length];
      const members = change % 2 === 0 ? ports.filter((port) => port !== out) : ports;
      await Promise.all([driven.apply(snapshotOf(webOf(stage, members))), sleep(50)]);
    }
  });
  expectNoFailure(driven);
  if (pidOf(driven) !== worker) throw new Error('a membership change reloaded HAProxy');
  return report;
}

async function reloads(stage: Stage, under: UnderTraffic) {
  const ports = await openMany(stage.servers, 8);
  await using driven = drive({ ...stage.run.config, restart_interval: 0 });
  await driven.apply(snapshotOf(webOf(stage, ports)));
  return await under(async () => {
    for (let round = 0; round < 20; round++) {
      const other = service(`other-${round}`, { port: await freePort() }, []);
      const applied = await driven.apply(snapshotOf(webOf(stage, ports), other));
      if (applied !== 'reloaded') throw new Error(`not a reload: ${applied}`);
      await sleep(1_000);
    }
    expectNoFailure(driven);
  });
}

/** One copy after the other: the new one joins, the old one leaves, drains, and ends. */
async function rolling(stage: Stage, under: UnderTraffic) {
  let ports = await openMany(stage.servers, 50);
  await using driven = drive(stage.run.config);
  await driven.apply(snapshotOf(webOf(stage, ports)));
  return await under(async () => {
    for (const old of ports) {
      ports = [...ports.filter((port) => port !== old), await stage.servers.open()];
      await driven.apply(snapshotOf(webOf(stage, ports)));
      await until(() => !JSON.stringify(driven.driver.status()).includes(`:${old}`), 30_000);
      await stage.servers.close(old);
    }
    expectNoFailure(driven);
  });
}

/** Members change all the while; synapse is killed in the middle of it, and started again. */
async function kills(stage: Stage, under: UnderTraffic) {
  const ports = await openMany(stage.servers, 8);
  const scratch = stage.run;
  const ended = new AbortController();
  await using registry = createFileRegistry({
    directory: scratch.path('registry'),
    log: silentLog,
    metrics: createMetrics(),
  });
  const start = () =>
    startDaemon(
      'synapse',
      {
        registry: { type: 'file', directory: scratch.path('registry') },
        status_address: false,
        haproxy: { run_directory: scratch.path('run'), stats_address: false },
        services: {
          web: {
            use_previous_backends: false,
            discovery: { method: 'file', path: '/web' },
            haproxy: { port: stage.port, listen: [`mode ${stage.mode}`] },
          },
        },
      },
      scratch.directory,
    );
  const announced = await Promise.all(
    ports.map((port) => registry.announce('/web', member(port), ended.signal)),
  );
  let synapse = await start();
  await until(async () => (await fetch(`http://127.0.0.1:${stage.port}/`)).ok);
  const report = await under(async () => {
    for (let round = 0; round < 10; round++) {
      await announced[round % 8]?.[Symbol.asyncDispose]();
      await sleep(Math.random() * 20);
      synapse.kill('SIGKILL');
      await synapse.exited;
      announced[round % 8] = await registry.announce(
        '/web',
        member(ports[round % 8] ?? 0),
        ended.signal,
      );
      synapse = await start();
      await sleep(1_500);
    }
  });
  await synapse[Symbol.asyncDispose]();
  ended.abort();
  return report;
}

function expectNoFailure(driven: Driven): void {
  if (driven.failures.length > 0) throw driven.failures[0];
}
