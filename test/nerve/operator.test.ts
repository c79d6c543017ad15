import { stat } from 'node:fs/promises';

import { createMetrics, silentLog } from '@smartstack/daemon';
import { createFileRegistry, type Instance, type Registry } from '@smartstack/registry';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { type Copy, startCopy } from '../support/copies.ts';
import { commandOf, type Daemon, startDaemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { createScratch, type Scratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

let scratch: Scratch;
let registry: Registry;
let copies: readonly Copy[];
let daemon: Daemon;
let config: object;
beforeEach(async () => {
  scratch = await createScratch();
  copies = await Promise.all(['web', 'api'].map(startCopy));
  const directory = scratch.path('registry');
  registry = createFileRegistry({
    directory,
    rescanInterval: 20,
    log: silentLog,
    metrics: createMetrics(),
  });
  config = {
    instance_id: 'vm-1',
    status_address: false,
    state_directory: scratch.path('state'),
    registry: { type: 'file', directory },
    services: Object.fromEntries(
      copies.map(({ name, port }) => [
        name,
        {
          host: '127.0.0.1',
          port,
          weight: 10,
          check_interval: 0.05,
          checks: [{ type: 'http', uri: '/health', timeout: 5 }],
        },
      ]),
    ),
  };
  daemon = await startDaemon('nerve', config, scratch.directory);
  await announced('web');
  await announced('api');
});
afterEach(async () => {
  await daemon[Symbol.asyncDispose]();
  await registry[Symbol.asyncDispose]();
  await Promise.all(copies.map((copy) => copy[Symbol.asyncDispose]()));
  await scratch[Symbol.asyncDispose]();
});

const nerve = (...args: string[]) =>
  execa(process.execPath, [commandOf('nerve'), '-c', scratch.path('nerve.yaml'), ...args], {
    reject: false,
    all: true,
    env: { SUDO_USER: 'ann' },
  });

async function instancesOf(service: string): Promise<readonly Instance[]> {
  for await (const instances of registry.watch(service, AbortSignal.timeout(5000)))
    return instances;
  return [];
}
const announced = (service: string) => until(async () => (await instancesOf(service))[0] ?? false);
const gone = (service: string) => until(async () => (await instancesOf(service)).length === 0);

test('status shows the services, as a table and as JSON', async () => {
  const { stdout, exitCode } = await nerve('status');
  expect(stdout).toMatch(/^SERVICE +ADDRESS +STATE +ANNOUNCED +SINCE +WHY\nweb +127/);
  expect(stdout).toMatch(/^api +127\.0\.0\.1:\d+ +up +api \(weight 10\) +\d+s$/m);
  expect(exitCode).toBe(0);
  const { services } = JSON.parse((await nerve('status', '--json')).stdout);
  expect(services.web).toMatchObject({ state: 'up', announced: true, checks: [{ state: 'up' }] });
});

test('status --watch shows what changes', async () => {
  const watching = nerve('status', '--watch');
  let shown = '';
  watching.stdout?.on('data', (text) => {
    shown += text;
  });
  await until(() => / up +web /.test(shown));
  copies[0]?.healthy(false);
  await until(() => /web .* down +no +\d+s +GET http:\S+: status 503/.test(shown));
  watching.kill('SIGINT');
  await watching;
});

test('down takes a service out for a reason, which survives a restart, and up lets it back', async () => {
  const down = await nerve('down', 'web', '--reason', 'new disk', '--for', '1h', '--wait');
  expect(down.stdout).toBe('web is taken down and gone from the registry');
  expect(await instancesOf('web')).toEqual([]);
  expect((await nerve('status')).stdout).toMatch(
    /^web .* up +no +\d+s +taken down by ann for 60m more: new disk$/m,
  );

  await daemon[Symbol.asyncDispose]();
  daemon = await startDaemon('nerve', config, scratch.directory);
  await announced('api');
  const { services } = JSON.parse((await nerve('status', '--json')).stdout);
  expect(services.web).toMatchObject({
    announced: false,
    because: 'downtime',
    downtime: { reason: 'new disk', owner: 'ann' },
  });
  const { since, until: end } = services.web.downtime;
  expect(end - since).toBe(3_600_000);
  expect(Date.parse(services.web.until)).toBeCloseTo(end, -3);

  expect((await nerve('up', 'web', '--wait')).stdout).toBe('web may be announced again, and is');
  expect(await instancesOf('web')).toHaveLength(1);
});

test('downtime with an end ends by itself', async () => {
  await nerve('down', 'web', '--for', '1s', '--wait');
  await announced('web');
});

test('weight announces another weight, until the default is asked for', async () => {
  await nerve('weight', 'web', '3');
  await until(async () => (await instancesOf('web'))[0]?.weight === 3);
  await nerve('weight', 'web', 'default');
  await until(async () => (await instancesOf('web'))[0]?.weight === 10);
});

test('check runs the checks once and explains', async () => {
  const good = await nerve('check', 'web');
  expect(good.stdout).toMatch(/^web http-127\.0\.0\.1:\d+: passed after [\d.]+ ms$/);
  expect(good.exitCode).toBe(0);
  copies[0]?.healthy(false);
  const bad = await nerve('check', 'web');
  expect(bad.stdout).toMatch(/: failed after [\d.]+ ms: GET http:\S+\/health: status 503$/);
  expect(bad.exitCode).toBe(1);
});

test('drain takes every service out and waits until all are gone, and up --all lets them back', async () => {
  const { stdout } = await nerve('drain', '--reason', 'reboot');
  expect(stdout).toBe('all 2 services are gone from the registry');
  expect(await instancesOf('web')).toEqual([]);
  expect(await instancesOf('api')).toEqual([]);
  expect((await nerve('up', '--all', '--wait')).stdout).toBe(
    'all 2 services may be announced again; 2 are up',
  );
  expect(await instancesOf('web')).toHaveLength(1);
  expect(await instancesOf('api')).toHaveLength(1);
});

test('handoff ends nerve and leaves its announcements', async () => {
  await nerve('handoff');
  expect(await daemon.exited).toBe(0);
  expect(await instancesOf('web')).toHaveLength(1);
});

test('a nerve that died leaves no socket in the way of the next', async () => {
  daemon.kill('SIGKILL');
  await daemon.exited;
  expect((await nerve('status')).all).toMatch(/^cannot reach nerve at \S+: it does not run, or/);
  daemon = await startDaemon('nerve', config, scratch.directory);
  await until(async () => (await nerve('status')).exitCode === 0);
});

test('its user alone can reach it', async () => {
  expect((await stat(scratch.path('state', 'nerve.sock'))).mode & 0o777).toBe(0o600);
});

test('a command that cannot be done says why and exits with 1', async () => {
  const cases: readonly (readonly [readonly string[], string | RegExp])[] = [
    [['down', 'wob'], 'no service wob; there are: web, api'],
    [['up'], 'name a service, or give --all for every one'],
    [['weight', 'web', '-1'], 'cannot announce weight -1: expected a whole number, or default'],
    [['weight', 'web', '1.5'], 'cannot announce weight 1.5: expected a whole number, or default'],
    [['down', 'web', '--for', 'ever'], '--for ever: expected a duration such as 90s, 30m or 1h'],
    [['frobnicate'], /^error: too many arguments|^error: unknown command/],
  ];
  await Promise.all(
    cases.map(async ([args, message]) => {
      const { all, exitCode } = await nerve(...args);
      if (typeof message === 'string') expect(all).toBe(message);
      else expect(all).toMatch(message);
      expect(exitCode).toBe(1);
    }),
  );
});

test('a ttl check follows what the service reports of itself', async () => {
  await daemon[Symbol.asyncDispose]();
  const port = await freePort();
  const web = {
    host: '127.0.0.1',
    port: 1,
    check_interval: 0.05,
    checks: [{ type: 'ttl', ttl: 1 }],
  };
  const next = { ...config, status_address: `127.0.0.1:${port}`, services: { web } };
  daemon = await startDaemon('nerve', next, scratch.directory);
  const report = (path: string, method = 'PUT') =>
    fetch(`http://127.0.0.1:${port}/beat/${path}`, { method }).then(({ status }) => status);
  await until(async () => (await report('web')) === 204);
  await announced('web');
  expect(await report('web?state=fail&reason=full')).toBe(204);
  await gone('web');
  expect((await nerve('status')).stdout).toContain('web reported: full');
  await report('web');
  await announced('web');
  await gone('web');
  expect((await nerve('status')).stdout).toMatch(
    /last report from web [\d.]+ s ago, expected every 1 s/,
  );
  expect(await report('wob')).toBe(404);
  expect(await report('%zz')).toBe(404);
  expect(await report('web?state=so-so')).toBe(404);
  expect(await report('web', 'POST')).toBe(405);
});
