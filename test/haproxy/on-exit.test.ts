import { chmod, writeFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

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
