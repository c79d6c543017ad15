import { join } from 'node:path';

import { heading, row, summarise } from '../../bench/statistics.ts';
import { explain, type Fault, type Lost } from './ledger.ts';
import type { Load } from './load.ts';
import type { Machine } from './machine.ts';
import { type Passage, readPassages } from './proxy-log.ts';

export interface Outcome {
  readonly machines: readonly Machine[];
  readonly ledger: readonly Fault[];
  /** What went wrong so far, in words. */
  readonly flaws: readonly string[];
  readonly times: ReadonlyMap<string, readonly number[]>;
  readonly injected: ReadonlyMap<string, number>;
  readonly load: Load;
  /** The process of each VM's HAProxy at first; another one now was reloaded or died. */
  readonly workers: readonly number[];
}

/** Prints what happened; returns what must not have, in words. */
export async function report(
  outcome: Outcome,
  say: (text: string) => void,
): Promise<readonly string[]> {
  const { machines, times, injected, load } = outcome;
  const sum = (pick: (machine: Machine) => number) =>
    machines.reduce((total, machine) => total + pick(machine), 0);
  const judged = (
    await Promise.all(machines.map((machine) => judge(machine, outcome.ledger)))
  ).flat();
  const sent = sum(({ counts }) => counts.sent);
  const answered = sum(({ counts }) => counts.answered);
  const reloaded = await reloads(outcome);

  say(`\nfaults: ${[...injected].map(([name, count]) => `${count} × ${name}`).join(', ')}`);
  say(
    `requests: ${sent} sent, ${answered} answered, ${judged.length} lost, ${sent - answered - judged.length} ended with the process that sent them`,
  );
  for (const [kind, losts] of grouped(judged, ({ because }) => because ?? 'UNEXPLAINED'))
    say(`  lost, ${kind}: ${losts.length}`);
  say(`\nfrom a change to every proxy in step\n${heading}`);
  for (const [kind, values] of times) say(row(kind, summarise(values)));
  say(row('all', summarise([...times.values()].flat())));
  say(
    `\nZooKeeper: ${load.mean.toFixed(0)} packets/s on average, ${load.most.toFixed(0)} in the busiest second`,
  );
  say(`HAProxy: ${reloaded.length} reloads`);
  for (const [words, all] of grouped(
    machines.flatMap((machine) => machine.errors()),
    (line) => line,
  ))
    say(`  logged as an error, ${all.length} times: ${words}`);
  return [
    ...outcome.flaws,
    ...judged.filter(({ because }) => because === undefined).map(describe),
    ...reloaded,
    ...(answered === 0 ? ['no request was answered'] : []),
  ];
}

interface Judged extends Lost {
  readonly because: string | undefined;
  readonly passage: Passage | undefined;
}

async function judge(
  { host, counts, directory }: Machine,
  ledger: readonly Fault[],
): Promise<readonly Judged[]> {
  if (counts.losses.length === 0) return [];
  const passages = await readPassages(join(directory, 'run'));
  return counts.losses.map((loss) => {
    const passage = passages.get(loss.path);
    const lost = { ...loss, client: host.address, server: passage?.server.split(' ')[1] };
    return { ...lost, passage, because: explain(lost, ledger) };
  });
}

const describe = ({ path, since, until, reason, passage }: Judged) =>
  `lost ${path} at ${new Date(since).toISOString()} after ${until - since} ms: ${reason}; HAProxy: ${passage?.line ?? 'nothing'}`;

async function reloads({ machines, workers }: Outcome): Promise<readonly string[]> {
  const now = await Promise.all(machines.map((machine) => machine.worker()));
  return machines
    .filter((_, index) => now[index] !== workers[index])
    .map(({ host }) => `the HAProxy of ${host.name} is another process than at first`);
}

function grouped<T>(
  items: readonly T[],
  by: (item: T) => string,
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) groups.set(by(item), [...(groups.get(by(item)) ?? []), item]);
  return groups;
}
