import { access, readFile, writeFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

const unused = { host: '127.0.0.1', port: 9 };
const proxied = { port: 25_095, listen: ['mode http'] };
const none = { do_reloads: false, do_writes: false, do_socket: false };

test('ready means that the file is written where synapse may neither reload HAProxy nor ask it', async () => {
  await using scratch = await createScratch();
  const status = await freePort();
  const file = scratch.path('haproxy.cfg');
  const config = (port: number) => ({
    status_address: `127.0.0.1:${status}`,
    haproxy: { ...none, do_writes: true, config_file_path: file },
    services: {
      db: {
        discovery: { method: 'base' },
        default_servers: [{ ...unused, port }],
        haproxy: proxied,
      },
    },
  });
  await using synapse = await startDaemon('synapse', config(9), scratch.directory);
  const get = (path: string) => fetch(`http://127.0.0.1:${status}${path}`);
  await until(async () => (await get('/ready').catch(() => undefined))?.status === 200);
  expect(await readFile(file, 'utf8')).toContain('127.0.0.1:9 ');
  expect(await (await get('/status')).json()).toMatchObject({
    proxies: { haproxy: { trouble: null, file: 'in step' } },
  });
  await writeFile(scratch.path('synapse.yaml'), JSON.stringify(config(10)));
  synapse.kill('SIGHUP');
  await until(async () => (await readFile(file, 'utf8')).includes('127.0.0.1:10 '));
  expect(synapse.log.filter(({ level }) => level >= 40)).toEqual([]);
});

test.each([
  ['haproxy is false', () => ({ haproxy: false }), proxied],
  ['there is no haproxy section at all', () => ({}), undefined],
  [
    'all do_ keys are false',
    (scratch: Scratch) => ({
      haproxy: {
        ...none,
        reload_command: `touch ${scratch.path('reloaded')}`,
        config_file_path: scratch.path('x.cfg'),
        socket_file_path: scratch.path('x.sock'),
      },
    }),
    proxied,
  ],
])('where %s synapse is ready, quiet, and starts none', async (_, top, section) => {
  await using scratch = await createScratch();
  const status = await freePort();
  await using synapse = await startDaemon(
    'synapse',
    {
      ...top(scratch),
      status_address: `127.0.0.1:${status}`,
      file_output: { output_directory: scratch.path('out') },
      services: {
        db: {
          discovery: { method: 'base' },
          default_servers: [unused],
          ...(section && { haproxy: section }),
        },
      },
    },
    scratch.directory,
    // No program is in the way, should one be started.
    { prefix: ['env', `PATH=${scratch.path('nothing')}`, `XDG_RUNTIME_DIR=${scratch.directory}`] },
  );
  const get = (path: string) => fetch(`http://127.0.0.1:${status}${path}`);
  await until(async () => (await get('/ready').catch(() => undefined))?.status === 200);
  expect(await readFile(scratch.path('out', 'db.json'), 'utf8')).toContain('"port":9');
  expect(await (await get('/metrics')).text()).not.toContain('synapse_haproxy_');
  expect(await (await get('/status')).json()).toMatchObject({
    proxies: { haproxy: { mode: 'none', trouble: null } },
  });
  expect(await (await get('/v1/explain/db')).json()).toMatchObject({
    members: [
      { address: '127.0.0.1:9', served: true, why: expect.stringContaining('not proxied') },
    ],
  });
  expect(synapse.log.filter(({ level }) => level >= 40)).toEqual([]);
  for (const made of ['reloaded', 'x.cfg', 'synapse'])
    await expect(access(scratch.path(made))).rejects.toThrow('ENOENT');
});
