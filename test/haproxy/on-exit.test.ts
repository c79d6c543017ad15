import { chmod, writeFile } from 'node:fs/promises';

import { expect, test } from 'vitest';
import { stringify } from 'yaml';

import { processesNaming } from '../../examples/demo/processes.ts';
import { startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

test('on_exit: stop ends a HAProxy that is only just starting', async () => {
  await using scratch = await createScratch();
  const slow = scratch.path('slow-haproxy');
  await writeFile(slow, '#!/bin/sh\n[ "$1" != -W ] || sleep 1\nexec haproxy "$@"\n');
  await chmod(slow, 0o755);
  const config = {
    status_address: false,
    services: {
      web: {
        discovery: { method: 'base' },
        default_servers: [{ host: '127.0.0.1', port: await freePort() }],
        haproxy: { port: await freePort() },
      },
    },
    haproxy: {
      binary: slow,
      run_directory: scratch.path('run'),
      stats_address: false,
      on_exit: 'stop',
    },
  };
  const started = async () =>
    (await processesNaming(scratch.path('run'))).some(({ words }) => words.includes('-W'));
  {
    await using _synapse = await startDaemon('synapse', config, scratch.directory);
    await until(started);
  }
  expect(await processesNaming(scratch.path('run'))).toEqual([]);
});

test('one that is turned off while it runs is left as it is, which is logged, and ends as on_exit says', async () => {
  await using scratch = await createScratch();
  const config = {
    status_address: false,
    services: {
      web: {
        discovery: { method: 'base' },
        default_servers: [{ host: '127.0.0.1', port: await freePort() }],
        haproxy: { port: await freePort() },
      },
    },
    haproxy: { run_directory: scratch.path('run'), stats_address: false, on_exit: 'stop' },
  };
  const running = () => processesNaming(scratch.path('run'));
  {
    await using synapse = await startDaemon('synapse', config, scratch.directory);
    await until(() => synapse.log.some(({ msg }) => msg === 'haproxy started'));
    await writeFile(scratch.path('synapse.yaml'), stringify({ ...config, haproxy: false }));
    synapse.kill('SIGHUP');
    const isLeft = ({ msg }: { msg: string }) => msg.startsWith('haproxy is left as it runs');
    await until(() => synapse.log.some(isLeft));
    expect(await running()).not.toEqual([]);
    expect(synapse.log.filter(isLeft)).toHaveLength(1);
  }
  expect(await running()).toEqual([]);
});
