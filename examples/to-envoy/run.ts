import { startService } from '../../test/support/example.ts';
import { freePort } from '../../test/support/ports.ts';
import { startTraffic, type Traffic } from '../../test/support/traffic.ts';
import { until } from '../../test/support/until.ts';
import { say } from '../traffic/figures.ts';
import { createParts, type Use } from '../traffic/parts.ts';
import { playScript } from '../traffic/play.ts';
import { startSynapse } from './synapse.ts';

/** The members of the files, by their ports there. */
const names = { 8001: 'web-1', 8002: 'web-2', 8003: 'search-1', 8004: 'search-2' } as const;

await playScript(async (interruption) => {
  await using parts = createParts();
  await Promise.race([run(parts.use), interruption]);
});

async function run(use: Use): Promise<void> {
  const [web, search] = [await freePort(), await freePort()];
  const members: Record<string, number> = {};
  for (const [written, name] of Object.entries(names)) {
    members[written] = await freePort();
    use(await startService(name, members[written]));
  }
  const synapse = use(await startSynapse({ 3213: web, 3214: search, ...members }));
  const ended = new AbortController();
  const traffic = {
    web: startTraffic(web, 50, ended.signal),
    search: startTraffic(search, 50, ended.signal),
  };

  await show('HAProxy serves both');
  await synapse.change('synapse-2-one.yaml', { web: 'envoy', search: 'haproxy' });
  await show('web is moved');
  await synapse.change('synapse-1-haproxy.yaml', { web: 'haproxy', search: 'haproxy' });
  await show('and back');
  await synapse.change('synapse-2-one.yaml', { web: 'envoy', search: 'haproxy' });
  await synapse.change('synapse-3-envoy.yaml', { web: 'envoy', search: 'envoy' });
  await show('Envoy serves both');

  ended.abort();
  await Promise.all(Object.values(traffic).map(({ done }) => done));
  for (const [name, one] of Object.entries(traffic)) {
    console.log(`${name}: ${one.sent} requests, ${one.lost} lost`);
    for (const [reason, count] of one.reasons) console.log(`  ${reason}: ${count}`);
  }

  async function show(what: string): Promise<void> {
    console.log(`\n${what}`);
    for (const [name, one] of Object.entries(traffic)) say(`  ${name}`, await counted(one));
    console.log(`\n$ synapse status\n${await synapse.status()}`);
  }
}

/** Who answers the next 50 requests, but for those that were sent before now. */
async function counted(traffic: Traffic): Promise<Readonly<Record<string, number>>> {
  const upTo = (count: number) => until(() => traffic.answered + traffic.lost >= count);
  await upTo(traffic.sent);
  const before = new Map(traffic.byCopy);
  await upTo(traffic.answered + traffic.lost + 50);
  return Object.fromEntries(
    [...traffic.byCopy].map(([name, count]) => [name, count - (before.get(name) ?? 0)]),
  );
}
