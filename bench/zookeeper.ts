import { type Relay, startRelay } from '../test/support/relay.ts';
import { startZooKeeper } from '../test/support/zookeeper.ts';
import { heading, row, summarise } from './statistics.ts';
import { ours } from './zookeeper/ours.ts';
import { plain } from './zookeeper/plain.ts';
import { fill, type Stack, sizes } from './zookeeper/stack.ts';
import { type Subject, type Timed, timed } from './zookeeper/subject.ts';

const rounds = 5;
const changes = 300;
const all = sizes.services * sizes.members;

/** One client, with the relay that counts its bytes and cuts its connection. */
interface Seat {
  readonly subject: Subject;
  readonly relay: Relay;
}

/**
 * Our session and the plain library against one real server, turn by turn, so that a machine that
 * slows down slows both.
 */
export async function zookeeper(): Promise<void> {
  await using server = await startZooKeeper();
  await using stack = await fill(server.hosts);
  await using oursRelay = await startRelay(server.port);
  await using plainRelay = await startRelay(server.port);
  const seats: readonly Seat[] = [
    { subject: await ours.connect(oursRelay.hosts), relay: oursRelay },
    { subject: await plain.connect(plainRelay.hosts), relay: plainRelay },
  ];
  try {
    await reads(seats, stack);
    await coldReads(seats, stack);
    await latencies(seats, stack);
    for (const seat of seats) await cost(seat, stack);
    for (const seat of seats) await reconnect(seat, stack);
  } finally {
    for (const { subject } of seats) await subject.close();
  }
}

/** The first round warms up. */
async function reads(seats: readonly Seat[], { members }: Stack): Promise<void> {
  const some = members.slice(0, 10_000);
  const results = new Map<Subject, Timed[]>(seats.map(({ subject }) => [subject, []]));
  for (let round = 0; round <= rounds; round++)
    for (const { subject } of seats) {
      const result = await timed(() => subject.read(some));
      if (round > 0) results.get(subject)?.push(result);
    }
  for (const [subject, measured] of results) {
    const took = median(measured.map((one) => one.took));
    const rate = ((some.length / took) * 1_000).toFixed(0);
    const block = median(measured.map((one) => one.block));
    say(subject, '10,000 reads at once', `${rate} reads/s, ${blocked(block)}`);
  }
}

async function coldReads(seats: readonly Seat[], { services }: Stack): Promise<void> {
  for (const { subject } of seats) {
    const { took, block } = await timed(() => subject.follow(services));
    const what = `cold read of ${sizes.services} × ${sizes.members} members`;
    say(subject, what, `${took.toFixed(0)} ms, ${blocked(block)}`);
  }
}

async function latencies(seats: readonly Seat[], stack: Stack): Promise<void> {
  const times = new Map<Subject, number[]>(seats.map(({ subject }) => [subject, []]));
  for (let n = 0; n < changes; n++)
    for (const { subject } of seats) times.get(subject)?.push(await stack.change(subject));
  process.stdout.write(`\n${heading}\n`);
  for (const [{ name }, measured] of times)
    process.stdout.write(`${row(`${name}: create → seen`, summarise(measured))}\n`);
  process.stdout.write('\n');
}

async function cost({ subject, relay }: Seat, stack: Stack): Promise<void> {
  await stack.quiet();
  const before = { ...(await subject.requests()), sent: relay.sent, received: relay.received };
  await stack.change(subject);
  await stack.quiet();
  const { lists, reads: read } = await subject.requests();
  say(
    subject,
    'a join and a leave among 100 members',
    `${lists - before.lists} lists, ${read - before.reads} read, ${relay.sent - before.sent} bytes sent, ` +
      `${relay.received - before.received} received`,
  );
}

async function reconnect({ subject, relay }: Seat, stack: Stack): Promise<void> {
  const before = await subject.requests();
  let seen = 0;
  const { took, block } = await timed(async () => {
    relay.cut();
    seen = await stack.change(subject);
    await subject.verified();
  });
  const { reads: read } = await subject.requests();
  say(
    subject,
    `reconnect with ${all} members`,
    `a change at the cut is seen after ${seen.toFixed(0)} ms, all is verified after ${took.toFixed(0)} ms, ` +
      `${read - before.reads} data read, ${blocked(block)}`,
  );
}

function say({ name }: Subject, label: string, text: string) {
  process.stdout.write(`${`${name}: ${label}`.padEnd(60)}${text}\n`);
}

const blocked = (block: number) => `longest block ${block.toFixed(0)} ms`;

function median(values: readonly number[]): number {
  return summarise(values).p50;
}
