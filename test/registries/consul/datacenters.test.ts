import { expect, test } from 'vitest';

import { startConsul } from '../../support/consul.ts';
import { freePort } from '../../support/ports.ts';
import { createScratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';
import { openView } from './views.ts';

test('a second datacenter serves while the first has nobody, and its loss takes nobody away', async () => {
  await using scratch = await createScratch();
  const wans = await Promise.all([1, 2].map(freePort));
  const [first, second] = await Promise.all(
    wans.map((wan, index) =>
      startConsul({
        directory: scratch.path(`dc${index + 1}`),
        name: `server-${index + 1}`,
        config: {
          datacenter: `dc${index + 1}`,
          retry_join_wan: wans.map((port) => `127.0.0.1:${port}`),
          retry_interval_wan: '1s',
          ports: { serf_wan: wan },
        },
      }),
    ),
  );
  if (!first || !second) throw new Error('not started');
  await using _first = first;
  await using _second = second;
  await until(
    async () => (await first.api<string[]>('GET', '/v1/catalog/datacenters')).length === 2,
  );
  await until(() => first.api('GET', '/v1/catalog/nodes?dc=dc2'));
  await using view = openView({ url: first.url, wait: '1s' });
  const seen = view.follow('web', { datacenters: ['dc1', 'dc2'] });
  const only = view.follow('web', { datacenters: ['dc2'] });
  await until(() => seen.ports() === '' && only.ports() === '');

  const register = (agent: typeof first, port: number) =>
    agent.api('PUT', '/v1/agent/service/register', { Name: 'web', Port: port });
  await register(second, 2);
  await until(() => seen.ports() === '2' && only.ports() === '2');
  expect(seen.newest()?.[0]?.labels).toEqual({ datacenter: 'dc2' });
  await register(first, 1);
  await until(() => seen.ports() === '1');
  await first.api('PUT', '/v1/agent/service/deregister/web');
  await until(() => seen.ports() === '2');
  await second.kill();
  await until(() => seen.troubles.at(-1) !== undefined);
  expect([seen.ports(), only.ports()]).toEqual(['2', '2']);
  await second.start();
  await until(() => seen.troubles.at(-1) === undefined);
  expect(only.lists.map((list) => list.length)).toEqual([0, 1]);
});
