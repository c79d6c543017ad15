import { readFile } from 'node:fs/promises';

import { execa } from 'execa';

import { startWorld } from '../../test/policy/world.fixture.ts';
import { freePort } from '../../test/support/ports.ts';
import { workerOf } from '../../test/support/stats-socket.ts';
import { startMembers } from './members.ts';

/** Pairs of runs for each figure, and how long each run is. */
const rounds = Number(process.env.ROUNDS ?? 7);
const seconds = 2;
const aim = 0.06;

const plain = 'no policy';
const whole = 'default policy';

/** What each service says of its traffic; the default policy is part of all but the first. */
const policies: Readonly<Record<string, object>> = {
  [plain]: {},
  [whole]: { protocol: 'http' },
  'outlier_ejection: false': { protocol: 'http', policy: { outlier_ejection: false } },
  timeouts: {
    protocol: 'http',
    policy: { timeouts: { request: '30s', per_try: '5s', queue: '1s' } },
  },
  'retries of answers, with a budget': {
    protocol: 'http',
    policy: { retries: { on: ['connect_failure', 503], attempts: 2 } },
  },
  'balance: least_request': { protocol: 'http', policy: { balance: 'least_request' } },
  'balance: random': { protocol: 'http', policy: { balance: 'random' } },
  'balance: ring_hash': {
    protocol: 'http',
    policy: { balance: { ring_hash: { header: 'x-user' } } },
  },
  'limits.requests': { protocol: 'http', policy: { limits: { requests: 10_000 } } },
  'limits.pending': { protocol: 'http', policy: { limits: { pending: 100, per_member: 1000 } } },
  slow_start: { protocol: 'http', policy: { slow_start: '10s' } },
  request_id: { protocol: 'http', policy: { request_id: true } },
  'trace: w3c': { protocol: 'http', policy: { trace: 'w3c' } },
  'access_log: json': { protocol: 'http', policy: { access_log: 'json' } },
  'a route that matches': routed({}),
  '10 routes, the last matches': {
    protocol: 'http',
    policy: {
      routes: [
        ...Array.from({ length: 9 }, (_, index) => ({ match: { path_prefix: `/v${index}` } })),
        { match: { path: '/' } },
      ],
    },
  },
  'a split of two': routed({
    to: [
      { subset: { version: 'v1' }, weight: 10 },
      { subset: { version: 'v2' }, weight: 90 },
    ],
  }),
  rewrite: routed({ rewrite: { path_prefix: '/internal', host: 'web.internal' } }),
  headers: routed({
    headers: { request: { set: { 'x-a': 'b' } }, response: { set: { 'x-c': 'd' } } },
  }),
  'fault.abort, at 0 %': routed({ fault: { abort: { status: 503, share: '0%' } } }),
  rate_limit: routed({ rate_limit: { requests: 1_000_000, by: 'source' } }),
};

function routed(route: object): object {
  return { protocol: 'http', policy: { routes: [{ match: { path: '/' }, ...route }] } };
}

interface Run {
  readonly rate: number;
  readonly p99: number;
  /** Of HAProxy, in microseconds a request. */
  readonly cpu: number;
}

/** What each word costs a request: HAProxy has one thread, and each is measured beside its like in turn. */
export async function cost(): Promise<void> {
  await using members = await startMembers(2);
  const asked = process.env.WORDS?.split(',');
  const names = Object.keys(policies).filter(
    (name, index) => index < 2 || !asked || asked.some((each) => name.includes(each)),
  );
  const ports = new Map<string, number>();
  const services: Record<string, object> = {};
  for (const [index, name] of names.entries()) {
    const port = await freePort();
    ports.set(name, port);
    services[`s${index}`] = {
      discovery: { method: 'base' },
      default_servers: members.list,
      port,
      ...policies[name],
      ...(name === plain && { haproxy: { listen: ['mode http'] } }),
    };
  }
  await using world = await startWorld(services, { haproxy: { global: ['nbthread 1'] } });
  const worker = await workerOf(world.haproxy);
  const runs = new Map<string, Run[]>(names.map((name) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const name of round % 2 === 0 ? names : names.toReversed())
      runs.get(name)?.push(await run(ports.get(name) ?? 0, worker));
  show(names, runs);
}

async function run(port: number, worker: number): Promise<Run> {
  const before = await cpuOf(worker);
  const { stdout } = await execa('wrk', [
    '-t1',
    '-c16',
    `-d${seconds}s`,
    '--latency',
    '-Hx-user: somebody',
    `http://127.0.0.1:${port}/`,
  ]);
  const cpu = (await cpuOf(worker)) - before;
  const failed = /Non-2xx|Socket errors/.exec(stdout);
  if (failed) throw new Error(`cannot measure: ${stdout}`);
  const count = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const [, value, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const p99 = Number(value) * ({ us: 0.001, ms: 1, s: 1000 }[unit ?? ''] ?? Number.NaN);
  return { rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]), p99, cpu: cpu / count };
}

/** Microseconds on a CPU since a process of one thread began. */
async function cpuOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/schedstat`, 'utf8');
  return Number(text.split(' ')[0]) / 1000;
}

function show(names: readonly string[], runs: ReadonlyMap<string, readonly Run[]>): void {
  const columns = ['requests/s', 'p99 ms', 'CPU µs', 'CPU beside it'];
  say(
    `${'one HAProxy thread, 16 connections'.padEnd(36)}${columns.map((each) => each.padStart(14)).join('')}`,
  );
  for (const name of names) {
    const own = runs.get(name) ?? [];
    const beside = runs.get(name === whole ? plain : whole) ?? [];
    const ratio = median(own.map(({ cpu }, round) => cpu / (beside[round]?.cpu ?? Number.NaN)));
    const cells = [
      median(own.map(({ rate }) => rate)).toFixed(0),
      median(own.map(({ p99 }) => p99)).toFixed(2),
      median(own.map(({ cpu }) => cpu)).toFixed(2),
      name === plain ? '' : percent(ratio - 1),
    ];
    say(`${name.padEnd(36)}${cells.map((each) => each.padStart(14)).join('')}`);
  }
  const [first = [], second = []] = [runs.get(plain), runs.get(whole)];
  const extra = median(second.map(({ cpu }, round) => cpu / (first[round]?.cpu ?? Number.NaN))) - 1;
  say(`the default policy beside none, others beside the default: medians of ${rounds} pairs`);
  say(`the default policy costs ${percent(extra)} (aim: at most ${percent(aim)})`);
}

const median = (values: readonly number[]) =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
const percent = (part: number) => `${part < 0 ? '−' : '+'}${Math.abs(part * 100).toFixed(1)} %`;
const say = (line: string) => process.stdout.write(`${line}\n`);
