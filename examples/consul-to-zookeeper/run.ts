import { startTraffic, type Traffic } from '../../test/support/traffic.ts';
import { until } from '../../test/support/until.ts';
import { say, sayReloads } from '../traffic/figures.ts';
import { createParts, type Use } from '../traffic/parts.ts';
import { playScript } from '../traffic/play.ts';
import { startParts } from './parts.ts';

await playScript(async (interruption) => {
  await using parts = createParts();
  await Promise.race([run(parts.use), interruption]);
});

async function run(use: Use): Promise<void> {
  const parts = await startParts(use);
  for (const name of ['old-1', 'old-2']) await parts.register(name);
  const synapse = await parts.synapse('synapse-1-consul.yaml');
  await synapse.serves(2);
  const worker = await synapse.worker();
  const ended = new AbortController();
  const traffic = startTraffic(parts.local, 200, ended.signal);

  say('Consul alone', await counted(traffic));

  for (const name of ['new-1', 'new-2', 'new-3']) await parts.announce(name);
  say('three copies are in ZooKeeper, by nerve', await counted(traffic));

  await synapse.change('synapse-2-both.yaml');
  await until(async () => (await synapse.compare()).stdout.includes('5 members'));
  say('both are followed, share: 0%', await counted(traffic));

  const { stdout, exitCode } = await synapse.compare();
  console.log(`\n$ synapse compare web\n${stdout.trimEnd()}\n(exit code ${exitCode})\n`);

  for (const share of [10, 50, 100]) {
    await synapse.change('synapse-2-both.yaml', { 'share: 0%': `share: ${share}%` });
    await synapse.gives(parts.newPorts, share);
    const counts = await counted(traffic);
    say(`${share} % asked, ${partOfNew(counts)} % got`, counts);
  }

  await synapse.change('synapse-3-zookeeper.yaml');
  await parts.endConsul();
  say('ZooKeeper alone, and Consul has ended', await counted(traffic));

  ended.abort();
  await traffic.done;
  console.log(`${traffic.sent} requests, ${traffic.lost} lost`);
  for (const [reason, count] of traffic.reasons) console.log(`  ${reason}: ${count}`);
  sayReloads((await synapse.worker()) === worker);
}

/** Who answers the next 300 requests, but for those that were sent before now. */
async function counted(traffic: Traffic): Promise<Readonly<Record<string, number>>> {
  const upTo = (count: number) => until(() => traffic.answered + traffic.lost >= count);
  await upTo(traffic.sent);
  const before = new Map(traffic.byCopy);
  await upTo(traffic.answered + traffic.lost + 300);
  const counts = [...traffic.byCopy].map(
    ([name, count]) => [name, count - (before.get(name) ?? 0)] as const,
  );
  return Object.fromEntries(counts.filter(([, count]) => count > 0));
}

function partOfNew(counts: Readonly<Record<string, number>>): number {
  const sum = (of: readonly [string, number][]) => of.reduce((all, [, count]) => all + count, 0);
  const all = Object.entries(counts);
  return Math.round((sum(all.filter(([name]) => name.startsWith('new'))) / sum(all)) * 100);
}
