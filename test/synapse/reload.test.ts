import { mkdir, rm, writeFile } from 'node:fs/promises';

import { expect, test } from 'vitest';
import { stringify } from 'yaml';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { oracleAt, workerOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

test('a service that is put into service_conf_dir is served, one that is taken out is not, and a storm of SIGHUPs changes nothing', async () => {
  await using scratch = await createScratch();
  await using copy = await startCopy('web-1');
  await mkdir(scratch.path('conf.d'));
  const [first, second, status] = [await freePort(), await freePort(), await freePort()];
  const service = (port: number) => ({
    discovery: { method: 'base' },
    default_servers: [{ host: '127.0.0.1', port: copy.port }],
    haproxy: { port, listen: ['mode http'] },
  });
  const answers = async (port: number) => (await fetch(`http://127.0.0.1:${port}/`)).ok;
  await using synapse = await startDaemon(
    'synapse',
    {
      service_conf_dir: 'conf.d',
      status_address: `127.0.0.1:${status}`,
      haproxy: {
        stats_address: false,
        run_directory: scratch.path('run'),
        on_exit: 'stop',
        restart_interval: 0.1,
      },
      services: { first: service(first) },
    },
    scratch.directory,
  );
  await until(() => answers(first));

  await writeFile(scratch.path('conf.d', 'second.yaml'), stringify(service(second)));
  await until(() => answers(second));

  await writeFile(scratch.path('conf.d', 'second.yaml'), 'discovery: [');
  await until(() => synapse.log.some(({ msg }) => msg.startsWith('bad configuration')));
  expect(await answers(first)).toBe(true);
  expect(await answers(second)).toBe(true);
  const state = (await (await fetch(`http://127.0.0.1:${status}/status`)).json()) as object;
  expect(state).toMatchObject({ config_problems: [expect.stringContaining('second.yaml:1:')] });

  const worker = await workerOf(oracleAt(scratch.path('run', 'haproxy.sock')));
  for (let storm = 0; storm < 200; storm += 1) synapse.kill('SIGHUP');
  await until(() => synapse.log.filter(({ msg }) => msg === 'configuration read again').length > 1);
  expect(await answers(second)).toBe(true);
  expect(await workerOf(oracleAt(scratch.path('run', 'haproxy.sock')))).toBe(worker);

  await rm(scratch.path('conf.d', 'second.yaml'));
  synapse.kill('SIGHUP');
  await until(() =>
    answers(second)
      .catch(() => false)
      .then((ok) => !ok),
  );
  expect(await answers(first)).toBe(true);
});
