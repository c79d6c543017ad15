import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';

import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { createRun } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { oracleAt, serversOf } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

interface Explained {
  readonly members: readonly { name: string; address: string; served: boolean; why: string }[];
}

const here = '127.0.0.1';

test('explain says who leaves, who is further away, who is there twice and whose port is another, as HAProxy has them', async () => {
  await using run = await createRun();
  await using copy = await startCopy('one');
  await using gone = await startCopy('gone');
  const [status, webPort] = [await freePort(), await freePort()];
  const folder = await folderOf(run.path('registry'));
  const at = (name: string, zone: string, port = copy.port) => ({
    name,
    host: here,
    port,
    labels: { zone },
  });
  await folder.put('web', at('near', 'a'), at('far', 'b'), at('leaver', 'a', gone.port));
  await folder.put('twice', at('same', 'a'), at('same', 'b'), at('other', 'a'));
  await folder.put('moved', at('moved', 'a', 1));
  await folder.put('load', at('loaded', 'a'));
  const discovery = { method: 'file' };
  const haproxy = { listen: ['mode tcp'] };
  await using _synapse = await startDaemon(
    'synapse',
    {
      status_address: `${here}:${status}`,
      registry: { type: 'file', directory: run.path('registry') },
      haproxy: { ...run.config, on_exit: 'stop', drain_timeout: '1m', audit_interval: '1h' },
      services: {
        web: {
          discovery,
          locality: { from: 'labels.zone', prefer: ['a'], spill: 'members<1' },
          haproxy: { ...haproxy, port: webPort },
        },
        twice: { discovery, haproxy },
        moved: { discovery, haproxy, backend_port_override: copy.port },
        load: { discovery: { ...discovery, path: '/load' }, haproxy, load_test_concurrency: 2 },
      },
    },
    run.directory,
  );
  const explain = explainerAt(status);
  await until(async () => (await fetch(`http://${here}:${status}/ready`)).status === 200);
  const haproxySays = oracleAt(run.socket);
  const names = async (backend: string) =>
    (await serversOf(haproxySays, backend)).map(({ name }) => name).sort();

  // The kernel opens them; the leaver leaves at once unless HAProxy has passed one of ours on to it.
  const opened = [await openedTo(webPort), await openedTo(webPort)];
  await until(async () => {
    const rows = await haproxySays.ask('show stat -1 4 -1');
    const [all, leaver] = [currentOf(rows, 'web,'), currentOf(rows, 'web,leaver_')];
    if (all === opened.length && leaver === 0) opened.push(await openedTo(webPort));
    return all === opened.length && leaver > 0;
  });
  await folder.take('web', 'leaver');
  await until(async () =>
    (await explain('web')).some(({ why }) => /in the proxy: leaving/.test(why)),
  );
  const web = await explain('web');
  expect(web).toEqual([
    expect.objectContaining({ name: 'near', served: true, why: 'in the proxy: up' }),
    expect.objectContaining({
      name: 'far',
      served: false,
      why: expect.stringContaining('not needed: its zone is "b", and enough are nearer'),
    }),
    {
      name: null,
      address: `${here}:${gone.port}`,
      served: false,
      why: 'no longer announced; in the proxy: leaving',
    },
  ]);
  expect(await names('web')).toEqual([`leaver_${here}:${gone.port}`, `near_${here}:${copy.port}`]);
  expect(await haproxySays.ask('show servers state web')).toMatch(
    new RegExp(` leaver_${here}:${gone.port} ${here} 2 8 `),
  );
  for (const socket of opened) socket.destroy();

  expect((await explain('twice')).map(({ name, served }) => [name, served]).sort()).toEqual([
    ['other', true],
    ['same', true],
  ]);
  expect(await names('twice')).toEqual([`other_${here}:${copy.port}`, `same_${here}:${copy.port}`]);
  for (const service of ['moved', 'load_0', 'load_1']) {
    const [member, ...more] = await explain(service);
    expect(more).toEqual([]);
    expect(member).toMatchObject({
      address: `${here}:${copy.port}`,
      served: true,
      why: 'in the proxy: up',
    });
    expect(await names(service)).toEqual([`${member?.name}_${here}:${copy.port}`]);
  }
});

test.each([
  ['cannot be started', { binary: '/nowhere/haproxy' }, /not in the proxy: cannot run \/nowhere/],
  [
    'is a unit of its own that is down',
    { supervised: true },
    /in the proxy: not known: haproxy does not answer$/,
  ],
])('where HAProxy %s, no member is said to be in it, and why', async (_, more, why) => {
  await using run = await createRun();
  const status = await freePort();
  await using _synapse = await startDaemon(
    'synapse',
    {
      status_address: `${here}:${status}`,
      haproxy: { ...run.config, ...more },
      services: {
        web: {
          discovery: { method: 'base' },
          default_servers: [{ name: 'one', host: here, port: 9 }],
          haproxy: { port: await freePort(), listen: ['mode http'] },
        },
      },
    },
    run.directory,
  );
  const explain = explainerAt(status);
  await until(async () => why.test((await explain('web').catch(() => []))[0]?.why ?? ''));
});

/** What synapse explains of a service's members. */
const explainerAt = (status: number) => async (service: string) => {
  const response = await fetch(`http://${here}:${status}/v1/explain/${service}`);
  return ((await response.json()) as Explained).members;
};

/** The connections that the servers whose rows begin so have now. */
const currentOf = (rows: string, start: string) =>
  rows
    .split('\n')
    .filter((row) => row.startsWith(start))
    .reduce((sum, row) => sum + Number(row.split(',')[4]), 0);

async function openedTo(port: number) {
  const socket = createConnection(port, here).on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** A `file` registry that another program writes. */
async function folderOf(directory: string) {
  const fileOf = (service: string, name: string) => `${directory}/${service}/${name}.json`;
  return {
    put: async (service: string, ...members: readonly { readonly name: string }[]) => {
      await mkdir(`${directory}/${service}`, { recursive: true });
      for (const [index, one] of members.entries()) {
        const twin = members.findIndex(({ name }) => name === one.name) < index ? '-2' : '';
        await writeFile(fileOf(service, `${one.name}${twin}`), JSON.stringify(one));
      }
    },
    take: (service: string, name: string) => rm(fileOf(service, name)),
  };
}
