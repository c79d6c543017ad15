import { execa } from 'execa';
import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { commandOf, startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

test('an operator sees services, why a member is not served, and can wait for members', async () => {
  await using scratch = await createScratch();
  await using copy = await startCopy('web-1');
  const [port, status] = [await freePort(), await freePort()];
  const address = `127.0.0.1:${copy.port}`;
  await using _synapse = await startDaemon(
    'synapse',
    {
      registry: { type: 'file', directory: scratch.path('registry') },
      status_address: `127.0.0.1:${status}`,
      haproxy: { stats_address: false, run_directory: scratch.path('run'), on_exit: 'stop' },
      services: {
        web: {
          discovery: {
            method: 'file',
            label_filters: [{ label: 'zone', condition: 'equals', value: 'a' }],
          },
          haproxy: { port, listen: ['mode http'] },
        },
      },
    },
    scratch.directory,
  );
  const synapse = (...args: string[]) =>
    execa(process.execPath, [commandOf('synapse'), '-c', scratch.path('synapse.yaml'), ...args], {
      reject: false,
      stdin: 'ignore',
    });
  const nerve = (labels: object) =>
    startDaemon(
      'nerve',
      {
        instance_id: 'vm-1',
        registry: { type: 'file', directory: scratch.path('registry') },
        services: { web: { host: '127.0.0.1', port: copy.port, labels } },
      },
      scratch.directory,
    );

  {
    await using _nerve = await nerve({ zone: 'b' });
    await until(async () => {
      const { stdout } = await synapse('explain', 'web', address);
      return stdout.includes('zone equals "a", but it is "b"');
    });
    expect((await synapse('wait', 'web', '--members', '1', '--timeout', '0.1s')).exitCode).toBe(1);
  }

  await using _nerve = await nerve({ zone: 'a' });
  const waited = await synapse('wait', 'web', '--members', '1', '--timeout', '20s');
  expect(waited).toMatchObject({ exitCode: 0, stdout: 'web has 1 of 1 members' });
  await until(async () => /web +1 +1/.test((await synapse('status')).stdout));
  expect((await synapse('explain', 'web', address)).stdout).toMatch(/served +in the proxy: /);
  expect(await synapse('accept', 'web')).toMatchObject({
    exitCode: 1,
    stdout: 'web: nothing is held back',
  });
  const watching = execa(process.execPath, [
    commandOf('synapse'),
    '-c',
    scratch.path('synapse.yaml'),
    'status',
    '--watch',
  ]);
  let tables = 0;
  for await (const line of watching) if (line.startsWith('SERVICE') && ++tables === 2) break;
  watching.kill();
  await watching.catch(() => {});
  expect(JSON.parse((await synapse('status', '--json')).stdout)).toMatchObject({
    services: { web: { heard: true } },
  });
  expect(await synapse('check-config')).toMatchObject({ exitCode: 0 });
  expect(await synapse('explain', 'other')).toMatchObject({
    exitCode: 1,
    stderr: 'there is no service other; /v1/services names those that there are',
  });
});
