import { once } from 'node:events';
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { commandOf, runDaemonOn } from '../support/daemon.ts';
import { answerOf } from '../support/haproxy.ts';
import { freePort } from '../support/ports.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { stopHaproxy } from '../support/stage.ts';
import { until } from '../support/until.ts';

async function synapse(scratch: Scratch, config: object | string, ...command: readonly string[]) {
  const file = scratch.path('synapse.json');
  await writeFile(file, typeof config === 'string' ? config : JSON.stringify(config));
  return execa(commandOf('synapse'), [...command, '-c', file], { reject: false, timeout: 20_000 });
}

const isServer = (line: string) => line.startsWith('\tserver ');
const serversIn = (text: string) => text.split('\n').filter(isServer);

test('haproxy.server_port_override moves discovered members, and no default server', async () => {
  await using scratch = await createScratch();
  const render = (discovery: object, more: object = {}) =>
    synapse(
      scratch,
      {
        services: {
          web: {
            discovery,
            default_servers: [{ name: 'spare', host: '10.0.0.9', port: 3000 }],
            haproxy: { port: 25_003, listen: ['mode http'], server_port_override: 8080 },
            ...more,
          },
        },
      },
      'render',
    );
  await mkdir(scratch.path('registry'));
  const empty = await render({ method: 'file', directory: scratch.path('registry'), path: 'web' });
  expect(serversIn(empty.stdout)[0]).toMatch(/^\tserver spare_10\.0\.0\.9:3000 10\.0\.0\.9:3000 /);
  await mkdir(scratch.path('registry', 'web'), { recursive: true });
  await writeFile(scratch.path('registry', 'web', 'a.json'), '{"host":"10.0.0.1","port":1}');
  const found = await render(
    { method: 'file', directory: scratch.path('registry'), path: 'web' },
    { keep_default_servers: true },
  );
  expect(serversIn(found.stdout).map((line) => line.split(' ')[2])).toEqual(
    expect.arrayContaining(['10.0.0.1:8080', '10.0.0.9:3000']),
  );
});

test('server_order_seed of 128 bits gives one order, and one that differs in its last digit another', async () => {
  await using scratch = await createScratch();
  const names = Array.from({ length: 20 }, (_, n) => `s${n}`);
  const servers = names.map((name, n) => ({ name, host: '10.0.0.1', port: n + 1 }));
  const orderOf = async (seed: string) => {
    const services = {
      web: {
        discovery: { method: 'base' },
        default_servers: servers,
        haproxy: { port: '3219', listen: ['mode http'] },
      },
    };
    const text = `{"services": ${JSON.stringify(services)}, "haproxy": {"server_order_seed": ${seed}}}`;
    const { stdout } = await synapse(scratch, text, 'render');
    const order = serversIn(stdout).map((line) => line.split(' ')[1]);
    expect(order).toHaveLength(20);
    return order;
  };
  const one = await orderOf('138803118435323441628150706594964426036');
  expect(await orderOf('"138803118435323441628150706594964426036"')).toEqual(one);
  expect(await orderOf('138803118435323441628150706594964426037')).not.toEqual(one);
});

test('a default server at a UNIX socket serves, and a service whose file_output is disabled has no file', async () => {
  await using scratch = await createScratch();
  const socket = scratch.path('web.sock');
  const server = createServer((_, response) => response.end('socket')).listen(socket);
  await once(server, 'listening');
  // HAProxy may run under an account of its own.
  await chmod(scratch.directory, 0o755);
  await chmod(socket, 0o777);
  const [port, status] = [await freePort(), await freePort()];
  const listener = {
    discovery: { method: 'base' },
    default_servers: [{ host: 'unix', port: socket }],
    haproxy: { port, listen: ['mode http'], server_options: 'check inter 100ms' },
  };
  const config = {
    status_address: `127.0.0.1:${status}`,
    file_output: { output_directory: scratch.path('files') },
    haproxy: { run_directory: scratch.path('run'), stats_address: false, on_exit: 'stop' },
    services: {
      shown: { ...listener, haproxy: undefined },
      'web.listener': { ...listener, file_output: { disabled: true } },
    },
  };
  const file = scratch.path('synapse.json');
  await writeFile(file, JSON.stringify(config));
  const daemon = runDaemonOn('synapse', file);
  try {
    await until(async () => (await answerOf(port)) === 'socket');
    const files = scratch.path('files');
    await until(async () => (await readdir(files)).includes('shown.json'));
    expect(await readdir(files)).toEqual(['shown.json']);
    expect(JSON.parse(await readFile(scratch.path('files', 'shown.json'), 'utf8'))).toMatchObject([
      { host: 'unix', port: socket },
    ]);
    const get = async (path: string) =>
      (await fetch(`http://127.0.0.1:${status}${path}`)).json() as Promise<unknown>;
    expect(await get('/v1/services/web.listener')).toMatchObject({
      members: [{ host: 'unix', port: socket }],
    });
    expect(await get('/v1/explain/web.listener')).toMatchObject({
      members: [
        {
          address: `unix@${socket}`,
          served: true,
          why: expect.stringContaining('; in the proxy: ') as string,
        },
      ],
    });
  } finally {
    await daemon[Symbol.asyncDispose]();
    await stopHaproxy(scratch.path('run'));
    server.close();
  }
});

test('check-config says of each line that HAProxy removed what runs in its place', async () => {
  await using scratch = await createScratch();
  const web = {
    discovery: { method: 'base' },
    default_servers: [{ name: 'a', host: '10.0.0.1', port: 80 }],
    haproxy: {
      port: 3219,
      listen: ['mode http'],
      backend: [
        'reqidel ^X-Mode:.*',
        'reqadd X-Mode:\\ ro',
        'acl held hdr_sub(X-Hold) -i web',
        'reqtarpit . if held',
      ],
    },
  };
  const old = { ...web, haproxy: { port: 3220, listen: ['mode http', 'option forceclose'] } };
  const config = { services: { web, old } };
  const pairs = [
    ['reqidel ^X-Mode:.*', 'http-request del-header X-Mode'],
    ['reqadd X-Mode:\\ ro', 'http-request add-header X-Mode ro'],
    ['reqtarpit . if held', 'http-request tarpit if held'],
    ['option forceclose', 'option httpclose'],
  ];
  for (const flags of [[], ['--explain']]) {
    const { exitCode, stderr } = await synapse(scratch, config, 'check-config', ...flags);
    expect(exitCode).toBe(0);
    const lines = stderr.split('\n');
    expect(lines.map((line) => line.replace(/^.*?: (?=HAProxy)/, ''))).toEqual(
      pairs.map(([line, running]) => `HAProxy removed "${line}"; it runs as "${running}"`),
    );
    expect(lines[0]).toMatch(
      /^warning: .*synapse\.json:1:\d+: services\.web\.haproxy\.backend\[0\]: /,
    );
  }
  const { exitCode, stdout } = await synapse(scratch, config, 'render');
  expect(exitCode).toBe(0);
  expect(stdout).not.toMatch(/reqidel|reqadd|reqtarpit|forceclose/);
});
