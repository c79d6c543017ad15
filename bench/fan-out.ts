import { until } from '../test/support/until.ts';
import { startZooKeeper, type ZooKeeper } from '../test/support/zookeeper.ts';
import { type Crowds, gatherCrowds, type Known } from './fan-out/crowds.ts';
import { heapOf, type Work, workOf } from './fan-out/server.ts';
import type { Way } from './fan-out/watcher.ts';
import { connectPlain, create, persistent, remove } from './plain-zookeeper.ts';
import { summarise } from './statistics.ts';

const sessions = 2_000;
const processes = 2;
const rounds = 5;
const sizes: readonly number[] = [20, 100];
const order: readonly Way[] = ['originals', 'ours', 'names', 'persistent', 'persistent names'];

/** What one change of a path's members cost the server and its watchers together. */
interface Cost extends Work {
  /** Bytes to all watchers, and from them. */
  readonly received: number;
  readonly sent: number;
  /** Milliseconds from the write to the last watcher that knew. */
  readonly last: number;
}

/**
 * What 2,000 sessions that watch one path cost a ZooKeeper server at each change of its members, by the
 * ways in which they follow it. Server and watchers share this machine: times are upper bounds, counts exact.
 */
export async function fanOut(): Promise<void> {
  say(
    `${sessions} sessions on one path; per change: packets, kB to the watchers, server CPU, last watcher in step`,
  );
  for (const members of sizes) for (const way of order) await measure(way, members);
}

async function measure(way: Way, members: number): Promise<void> {
  await using zookeeper = await startZooKeeper();
  const writer = await connectPlain(zookeeper.hosts);
  const path = '/services/web-application';
  for (const node of ['/services', path]) await create(writer, node, '', persistent);
  const names: string[] = [];
  const join = async () => names.push(await create(writer, nameOf(path, way), record, persistent));
  while (names.length < members) await join();
  const heap = await heapOf(zookeeper);
  await using crowds = await gatherCrowds(processes, {
    port: zookeeper.port,
    path,
    way,
    sessions,
    members,
  });
  const grown = ((await heapOf(zookeeper)) ?? Number.NaN) - (heap ?? Number.NaN);

  const joins: Cost[] = [];
  const leaves: Cost[] = [];
  let known = crowds.first;
  for (let round = 0; round <= rounds; round += 1) {
    const joined = await costOf({ zookeeper, crowds, known }, members + 1, join);
    const left = await costOf({ zookeeper, crowds, known: joined.known }, members, () =>
      remove(writer, names.shift() ?? ''),
    );
    known = left.known;
    if (round === 0) continue; // it warms up
    joins.push(joined.cost);
    leaves.push(left.cost);
  }
  const pinged = await ping({ zookeeper, crowds }, 20);
  writer.close();
  say(
    `\n${members} members, ${way}: ${(grown / sessions / 1_000).toFixed(1)} kB of heap a session, ${pinged.toFixed(3)} ms CPU a ping`,
  );
  say(lineOf('join', joins));
  say(lineOf('leave', leaves));
}

/** Has every session ping, which also keeps it; returns the server CPU in milliseconds for one ping. */
async function ping({ zookeeper, crowds }: Omit<Before, 'known'>, times: number): Promise<number> {
  const before = await workOf(zookeeper);
  await crowds.ping(times);
  const after = await until(async () => {
    const now = await workOf(zookeeper);
    return now.packets >= before.packets + 2 * times * sessions && now;
  });
  return (after.cpu - before.cpu) / (times * sessions);
}

interface Before {
  readonly zookeeper: ZooKeeper;
  readonly crowds: Crowds;
  readonly known: Known;
}

/** Makes a change and waits for the last watcher. */
async function costOf(
  { zookeeper, crowds, known: earlier }: Before,
  members: number,
  change: () => Promise<unknown>,
): Promise<{ readonly cost: Cost; readonly known: Known }> {
  await ping({ zookeeper, crowds }, 1);
  const { known } = await crowds.aim(members);
  const before = await workOf(zookeeper);
  const since = performance.timeOrigin + performance.now();
  await change();
  const now = await known;
  const after = await workOf(zookeeper);
  const cost = {
    cpu: after.cpu - before.cpu,
    packets: after.packets - before.packets,
    received: now.received - earlier.received,
    sent: now.sent - earlier.sent,
    last: now.at - since,
  };
  return { cost, known: now };
}

function lineOf(label: string, costs: readonly Cost[]): string {
  const middle = (pick: (cost: Cost) => number) => summarise(costs.map(pick)).p50;
  const cells = [
    `${middle(({ packets }) => packets)} packets`,
    `${(middle(({ received }) => received) / 1_000).toFixed(0)} kB`,
    `${middle(({ cpu }) => cpu)} ms CPU`,
    `last after ${middle(({ last }) => last).toFixed(0)} ms`,
  ];
  return `  ${label.padEnd(6)} ${cells.map((cell) => cell.padStart(20)).join('')}`;
}

/** As nerve names and fills them: by the VM, or with path encoding by the record itself. */
const record =
  '{"host":"10.20.30.40","port":8080,"name":"vm-name-1234","labels":{"zone":"eu-west-1a"}}';
const encoded = Buffer.from(record).toString('base64url');
let numbered = 0;

function nameOf(path: string, way: Way): string {
  numbered += 1;
  const name = way.endsWith('names') ? `base64_${encoded.length}_${encoded}` : 'vm-name-1234';
  return `${path}/${name}_${String(numbered).padStart(10, '0')}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
