import { expect, test } from 'vitest';

import { startCopy } from '../../support/copies.ts';
import { startDaemon } from '../../support/daemon.ts';
import { createRun } from '../../support/haproxy.ts';
import { freePort } from '../../support/ports.ts';
import { gathered, startPrometheus } from '../../support/prometheus.ts';
import { until } from '../../support/until.ts';
import { fileSide } from '../migrate/sides.ts';

/** Two jobs that ask synapse: for everything, and for one service. */
function jobsOf(url: string): readonly object[] {
  const job = (name: string, query: string) => ({
    job_name: name,
    http_sd_configs: [{ url: `${url}/v1/prometheus${query}`, refresh_interval: '1s' }],
  });
  return [job('all', ''), job('web', '?service=web')];
}

test('Prometheus’ http_sd_configs lists exactly the members that synapse follows', async () => {
  await using run = await createRun();
  await using registry = await fileSide();
  await using one = await startCopy('one');
  await using two = await startCopy('two');
  await using other = await startCopy('other');
  const ended = new AbortController();
  const announce = (path: string, { name, port }: typeof one, labels: Record<string, string>) =>
    registry.registry.announce(path, { host: '127.0.0.1', port, name, labels }, ended.signal);
  const first = await announce('/web', one, { zone: 'a', 'app.kubernetes.io/name': 'shop' });
  await announce('/api', other, {});
  const status = await freePort();
  const service = async () => ({ haproxy: { port: await freePort(), listen: ['mode tcp'] } });
  await using _synapse = await startDaemon(
    'synapse',
    {
      ...registry.top,
      status_address: `127.0.0.1:${status}`,
      haproxy: { ...run.config, on_exit: 'stop' },
      services: {
        web: { discovery: { method: 'file', path: '/web' }, ...(await service()) },
        api: { discovery: { method: 'file', path: '/api' }, ...(await service()) },
      },
    },
    run.directory,
  );
  await until(async () => (await fetch(`http://127.0.0.1:${status}/ready`)).status === 200);
  await using prometheus = await startPrometheus(jobsOf(`http://127.0.0.1:${status}`));
  const listed = (...expected: readonly string[]) =>
    until(async () => {
      const found = (await prometheus.targets()).map(
        ({ scrapePool, discoveredLabels: labels }) =>
          `${scrapePool}: ${labels.__meta_smartstack_service} ${labels.__meta_smartstack_name} ${labels.__address__}`,
      );
      expect(found.toSorted()).toEqual(expected.toSorted());
      return true;
    }, gathered);
  const at = ({ name, port }: typeof one) => `${name} 127.0.0.1:${port}`;
  await listed(`all: web ${at(one)}`, `all: api ${at(other)}`, `web: web ${at(one)}`);
  const target = (await prometheus.targets()).find(({ scrapePool }) => scrapePool === 'web');
  expect(target?.discoveredLabels).toMatchObject({
    __meta_smartstack_zone: 'a',
    __meta_smartstack_label_zone: 'a',
    __meta_smartstack_label_app_kubernetes_io_name: 'shop',
    __meta_smartstack_health: 'up',
    __meta_smartstack_stale: 'false',
  });
  await announce('/web', two, {});
  await first[Symbol.asyncDispose]();
  await listed(`all: web ${at(two)}`, `all: api ${at(other)}`, `web: web ${at(two)}`);
  ended.abort();
});
