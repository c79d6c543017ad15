import { setTimeout as sleep } from 'node:timers/promises';

import { type Ensemble, startEnsemble } from '../support/zookeeper.ts';
import { createPeople } from './people.ts';

/**
 * Ten minutes (or as many as the first argument says) of a three-server ensemble whose servers are
 * killed, stopped and started at random under 200 announcements and 200 watchers. Ends with 0 when
 * every announcement is there exactly once, every watcher knows the truth and memory is flat.
 */
const minutes = Number(process.argv[2] ?? 10);
const heal = 60_000;

await using ensemble = await startEnsemble(3);
const people = await createPeople(ensemble.hosts.split(','));
const started = performance.now();
const memory: number[] = [];
say(`${people.announcements} announcements, ${people.watchers} watchers, ${minutes} minutes`);
await agreed();

while (performance.now() - started < minutes * 60_000) {
  await trouble(ensemble);
  if (memory.length < Math.floor((performance.now() - started) / 30_000)) report();
}
await agreed();
report();
await people.close();
await agreedEmpty();
const flaw = growth(memory);
say(flaw ?? 'passed: every announcement exactly once, every watcher true, memory flat');
process.exitCode = flaw === undefined ? 0 : 1;

/** One fault, which ends before the next begins. */
async function trouble({ servers }: Ensemble): Promise<void> {
  const victims = shuffled(servers).slice(0, Math.random() < 0.2 ? 2 : 1);
  const stop = Math.random() < 0.4;
  const length = 500 + Math.random() * (stop ? 9_000 : 4_000);
  say(`${stop ? 'SIGSTOP' : 'SIGKILL'} ${victims.length} for ${length.toFixed(0)} ms`);
  await Promise.all(victims.map((server) => server.kill(stop ? 'SIGSTOP' : 'SIGKILL')));
  people.change();
  await sleep(length);
  await Promise.all(victims.map((server) => (stop ? server.kill('SIGCONT') : server.start())));
  await Promise.all(servers.map((server) => server.ready()));
  await sleep(Math.random() * 3_000);
}

/** Waits until truth, announcements and watchers are one; fails after a minute with what is not. */
async function agreed(): Promise<void> {
  await settled(() => people.disagreement());
}

async function agreedEmpty(): Promise<void> {
  await using others = await createPeople(ensemble.hosts.split(','), { announcements: 0 });
  await settled(() => others.disagreement());
}

async function settled(disagreement: () => Promise<string | undefined>): Promise<void> {
  const until = performance.now() + heal;
  for (;;) {
    const what = await disagreement();
    if (what === undefined) return;
    if (performance.now() > until) {
      say(`failed: ${what}`);
      process.exit(1);
    }
    await sleep(200);
  }
}

function report() {
  globalThis.gc?.();
  memory.push(process.memoryUsage().heapUsed / 2 ** 20);
  const seconds = ((performance.now() - started) / 1_000).toFixed(0);
  say(`${seconds} s: heap ${memory.at(-1)?.toFixed(1)} MiB, ${people.summary()}`);
}

/** Flat means: the last third of the time needs no more than the first, give or take a fifth. */
function growth(samples: readonly number[]): string | undefined {
  const third = Math.max(1, Math.floor(samples.length / 3));
  const first = Math.max(...samples.slice(0, third));
  const last = Math.min(...samples.slice(-third));
  return last > first * 1.2 + 2
    ? `failed: the heap grew from ${first.toFixed(1)} to ${last.toFixed(1)} MiB`
    : undefined;
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  return items.toSorted(() => Math.random() - 0.5);
}

function say(text: string) {
  process.stdout.write(`${text}\n`);
}
