import { writeFile } from 'node:fs/promises';

import { expect, test } from 'vitest';

import { startCopy } from '../support/copies.ts';
import { startDaemon } from '../support/daemon.ts';
import { createRun } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { oracleAt } from '../support/stats-socket.ts';
import { until } from '../support/until.ts';

interface Explained {
  readonly members: readonly { name: string; served: boolean; why: string }[];
}

test('explain and status say of every way a member can stand what HAProxy says', async () => {
  await using run = await createRun();
  await using copy = await startCopy('one');
  const status = await freePort();
  const gone = await startCopy('gone');
  const at = (name: string, host: string, more: object = {}) => ({
    name,
    host,
    port: copy.port,
    ...more,
  });
  const members = [
    at('plain', '127.0.0.1'),
    at('named', 'localhost'),
    at('six', '::1'),
    at('long-six', '2001:db8:0:0:0:0:0:9'),
    at('unknown', 'no-such.invalid'),
    at('light', '127.0.0.1', { weight: 0 }),
    at('kept', '127.0.0.1'),
    at('drained', '127.0.0.1'),
    at('down', '127.0.0.1', { port: gone.port }),
  ];
  const section = (more: object = {}) => ({ listen: ['mode http'], ...more });
  const base = { discovery: { method: 'base' } };
  await using _synapse = await startDaemon(
    'synapse',
    {
      status_address: `127.0.0.1:${status}`,
      haproxy: { ...run.config, on_exit: 'stop', use_nerve_weights: true, audit_interval: '1h' },
      services: {
        mix: {
          ...base,
          default_servers: members,
          haproxy: section({ port: await freePort(), server_options: 'check inter 100ms fall 2' }),
        },
        moved: {
          ...base,
          default_servers: [at('moved', '127.0.0.1', { port: 1 })],
          haproxy: section({ server_port_override: copy.port }),
        },
        direct: { ...base, default_servers: [at('direct', '127.0.0.1')] },
        off: {
          ...base,
          default_servers: [at('off', '127.0.0.1')],
          haproxy: section({ disabled: true }),
        },
        bad: {
          ...base,
          default_servers: [at('bad', '127.0.0.1')],
          haproxy: section({ backend: ['no-such-keyword'] }),
        },
      },
    },
    run.directory,
  );
  const get = async (path: string) => (await fetch(`http://127.0.0.1:${status}${path}`)).json();
  const whys = async (...services: string[]) => {
    const all = await Promise.all(services.map((name) => get(`/v1/explain/${name}`)));
    return Object.fromEntries(
      (all as Explained[]).flatMap((one) => one.members.map(({ name, why }) => [name, why])),
    );
  };
  await until(async () => (await fetch(`http://127.0.0.1:${status}/ready`)).status === 200);
  const haproxy = oracleAt(run.socket);
  await haproxy.ask(`set server mix/kept_127.0.0.1:${copy.port} state maint`);
  await haproxy.ask(`set server mix/drained_127.0.0.1:${copy.port} state drain`);
  const before = performance.now();
  await gone[Symbol.asyncDispose]();
  await until(async () => /down/.test((await whys('mix')).down ?? ''));
  // What fails HAProxy's checks is said at once, and not after the next audit.
  expect(performance.now() - before).toBeLessThan(5_000);
  await until(async () => /up/.test((await whys('mix')).kept ?? '') === false);
  const state = (text: string) => expect.stringMatching(new RegExp(`in the proxy: ${text}$`));
  expect(await whys('mix', 'moved', 'direct', 'off', 'bad')).toEqual({
    plain: state('up'),
    named: state('up'),
    six: expect.stringMatching(/in the proxy: (up|down)$/),
    'long-six': expect.stringMatching(/in the proxy: (up|down)$/),
    unknown: expect.stringContaining('not in the proxy: its name does not resolve'),
    light: state('up, weight 0'),
    kept: state('maintenance by operator'),
    drained: state('drain by operator'),
    down: state('down'),
    moved: state('up'),
    direct: expect.stringContaining('not proxied: the service has no haproxy section'),
    off: expect.stringContaining('not proxied: haproxy.disabled is true'),
    bad: expect.stringContaining('not in the proxy: quarantined: '),
  });
  const mix = (await get('/v1/explain/mix')) as Explained;
  expect(mix.members.filter(({ served }) => !served).map(({ name }) => name)).toEqual(['unknown']);
  expect(await (await fetch(`http://127.0.0.1:${status}/metrics`)).text()).toContain(
    'synapse_haproxy_unresolved_members 1',
  );
});

test('without a socket the state of members is not known, and not said to be down', async () => {
  await using run = await createRun();
  const status = await freePort();
  const file = run.path('haproxy.cfg');
  await writeFile(file, '');
  await using _synapse = await startDaemon(
    'synapse',
    {
      status_address: `127.0.0.1:${status}`,
      haproxy: { reload_command: 'true', config_file_path: file, do_socket: false },
      services: {
        web: {
          discovery: { method: 'base' },
          default_servers: [{ name: 'one', host: '127.0.0.1', port: 9 }],
          haproxy: { port: await freePort(), listen: ['mode http'] },
        },
      },
    },
    run.directory,
  );
  const get = async (path: string) => await fetch(`http://127.0.0.1:${status}${path}`);
  await until(async () => (await get('/ready').catch(() => undefined))?.status === 200);
  expect(await (await get('/v1/explain/web')).json()).toMatchObject({
    members: [{ why: expect.stringContaining('in the proxy: not known: no socket') }],
  });
});
