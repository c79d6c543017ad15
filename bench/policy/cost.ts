import { readFile } from 'node:fs/promises';

import { execa } from 'execa';

import { startWorld } from '../../test/policy/world.fixture.ts';
import { freePort } from '../../test/support/ports.ts';
import { workerOf } from '../../test/support/stats-socket.ts';
import { instructionsAt } from './instructions.ts';
import { startMembers } from './members.ts';

/** Pairs of runs for each figure, and how long each run is. */
const rounds = Number(process.env.ROUNDS ?? 7);
const seconds = 1;
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
  const pairs = new Map<string, Pair[]>(names.slice(1).map((name) => [name, []]));
  for (let round = 0; round < rounds; round++)
    for (const [name, all] of pairs)
      for (let times = name === whole ? 3 : 1; times > 0; times--) {
        const besideIt = name === whole ? plain : whole;
        const order = (round + times) % 2 === 0 ? [besideIt, name] : [name, besideIt];
        const made = new Map<string, Run>();
        for (const each of order) made.set(each, await run(ports.get(each) ?? 0, worker));
        const [own, beside] = [made.get(name), made.get(besideIt)];
        if (own && beside) all.push({ own, beside });
      }
  const own = await ownShare(ports.get(plain) ?? 0, worker);
  world.synapse.kill('SIGTERM');
  await world.synapse.exited;
  show(pairs);
  showInstructions(await instructionsAt(world.scratch.path('run', 'haproxy.cfg'), ports), own);
}

/** Which share of its CPU time HAProxy spends in its own code; the rest is the kernel's. */
async function ownShare(port: number, worker: number): Promise<number> {
  const ticks = async () => {
    const fields =
      (await readFile(`/proc/${worker}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    return { user: Number(fields[11]), system: Number(fields[12]) };
  };
  const before = await ticks();
  for (let times = 0; times < 5; times++) await run(port, worker);
  const after = await ticks();
  const user = after.user - before.user;
  return user / (user + after.system - before.system);
}

/** Two runs, one right after the other. */
interface Pair {
  readonly own: Run;
  readonly beside: Run;
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
  const spent = (await cpuOf(worker)) - before;
  const failed = /Non-2xx|Socket errors/.exec(stdout);
  if (failed) throw new Error(`cannot measure: ${stdout}`);
  const count = Number(/(\d+) requests in/.exec(stdout)?.[1]);
  const [, value, unit] = /99%\s+([\d.]+)(us|ms|s)/.exec(stdout) ?? [];
  const slowest = Number(value) * ({ us: 0.001, ms: 1, s: 1000 }[unit ?? ''] ?? Number.NaN);
  return {
    rate: Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1]),
    p99: slowest,
    cpu: spent / count,
  };
}

/** Microseconds on a CPU since a process of one thread began. */
async function cpuOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/schedstat`, 'utf8');
  return Number(text.split(' ')[0]) / 1000;
}

function show(pairs: ReadonlyMap<string, readonly Pair[]>): void {
  const columns = ['requests/s', 'p99 ms', 'CPU µs', 'requests/s', 'p99', 'CPU'];
  const title = 'one HAProxy thread, 16 connections'.padEnd(36);
  say(`${title}${columns.map((each) => each.padStart(12)).join('')}`);
  for (const [name, all] of pairs) {
    const ratio = (of: (run: Run) => number) =>
      percent(median(all.map(({ own, beside }) => of(own) / of(beside))) - 1);
    const middle = (of: (run: Run) => number, digits: number) =>
      median(all.map(({ own }) => of(own))).toFixed(digits);
    const cells = [
      middle(rate, 0),
      middle(p99, 2),
      middle(cpu, 2),
      ratio(rate),
      ratio(p99),
      ratio(cpu),
    ];
    say(`${name.padEnd(36)}${cells.map((each) => each.padStart(12)).join('')}`);
  }
  say(
    `ratios: the default policy beside none, others beside the default; medians of ${rounds} pairs or more`,
  );
  const extra = pairs.get(whole)?.map(({ own, beside }) => own.cpu / beside.cpu) ?? [];
  const [low, high] = [0.25, 0.75].map((share) => percent(quantile(extra, share) - 1));
  say(`half of the pairs of the default policy say from ${low} to ${high} of CPU time`);
}

/** The same by what does not depend on the machine's other work. */
function showInstructions(counts: ReadonlyMap<string, number>, own: number): void {
  const floor = counts.get(plain) ?? Number.NaN;
  const usual = counts.get(whole) ?? Number.NaN;
  const columns = ['a request', 'more', 'of its CPU time'];
  say(
    `\n${'instructions of HAProxy'.padEnd(36)}${columns.map((each) => each.padStart(18)).join('')}`,
  );
  for (const [name, count] of counts) {
    const more = count - (name === plain || name === whole ? floor : usual);
    const cells = [count.toFixed(0), more.toFixed(0), percent((more / floor) * own)];
    say(`${name.padEnd(36)}${cells.map((each) => each.padStart(18)).join('')}`);
  }
  say(
    `the default policy beside none, others beside the default; ${percent(own)} of HAProxy's CPU time is its own`,
  );
  const cost = ((usual - floor) / floor) * own;
  say(
    `the default policy costs ${percent(cost)} of HAProxy's CPU time (aim: at most ${percent(aim)})`,
  );
  if (cost > aim) process.exitCode = 1;
}

const rate = (run: Run) => run.rate;
const p99 = (run: Run) => run.p99;
const cpu = (run: Run) => run.cpu;
const quantile = (values: readonly number[], share: number) =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN;
const median = (values: readonly number[]) => quantile(values, 0.5);
const percent = (part: number) => `${part < 0 ? '−' : '+'}${Math.abs(part * 100).toFixed(1)} %`;
const say = (line: string) => process.stdout.write(`${line}\n`);
