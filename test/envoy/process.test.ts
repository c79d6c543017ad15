import { once } from 'node:events';
import { appendFile, readFile, rm, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { createAdmin } from '../../packages/envoy/src/admin/client.ts';
import type { ManagedEnvoy } from '../../packages/envoy/src/process/managed.ts';
import { envoysOf } from '../support/envoy.ts';
import { createEnvoyRun } from '../support/managed-envoy.ts';
import { until } from '../support/until.ts';

const { signal } = new AbortController();
const alive = (pid: number) => process.kill(pid, 0);

function pidOf(envoy: ManagedEnvoy): number {
  const { pid } = envoy.status();
  if (pid === null) throw new Error('no Envoy runs');
  return pid;
}

test('is started, and then left as it is', async () => {
  await using run = await createEnvoyRun();
  await using envoy = run.own();
  expect(await envoy.ensure(signal)).toBe('started');
  expect(envoy.version).toBe('1.40.0');
  expect(envoy.status()).toMatchObject({ version: '1.40.0', trouble: null, restarts: 0 });
  expect(await envoy.ensure(signal)).toBe('running');
  expect(await envoysOf(run.options.directory)).toEqual([pidOf(envoy)]);
  const { mode } = await stat(run.path('run', 'envoy-admin.sock'));
  expect(mode & 0o777).toBe(0o600);
});

test('outlives its owner, and the next one takes it over, also without the state file', async () => {
  await using run = await createEnvoyRun();
  const { directory } = run.options;
  const script = fileURLToPath(new URL('owner.fixture.ts', import.meta.url));
  const args = ['--conditions=source', '--import', 'tsx', script, directory];
  const owner = execa(process.execPath, args, { reject: false });
  const [printed] = await once(owner.stdout, 'data');
  const pid = Number(printed);
  owner.kill('SIGKILL');
  await owner;
  for (const file of ['', 'envoy.state.json']) {
    if (file !== '') await rm(run.path('run', file));
    await using envoy = run.own();
    expect(await envoy.ensure(signal)).toBe('running');
    expect(pidOf(envoy)).toBe(pid);
    expect(envoy.status().restarts).toBe(0);
  }
});

test('has one owner at a time', async () => {
  await using run = await createEnvoyRun();
  await using envoy = run.own();
  await envoy.ensure(signal);
  await using other = run.own();
  await expect(other.ensure(signal)).rejects.toThrow('envoy.run_directory');
});

test.for([
  ['that this one started', false],
  ['that was taken over', true],
] as const)('one %s is there again within a second after it was killed', async ([, isAdopted]) => {
  await using run = await createEnvoyRun();
  if (isAdopted) {
    await using before = run.own();
    await before.ensure(signal);
  }
  await using envoy = run.own();
  const since = performance.now();
  await envoy.ensure(signal);
  const usual = performance.now() - since;
  const following = new AbortController();
  const ends = envoy.ends(following.signal);
  const told = ends.next();
  const pid = pidOf(envoy);
  await new Promise((resolve) => setTimeout(resolve, 500));
  const killed = performance.now();
  process.kill(pid, 'SIGKILL');
  await told;
  expect(envoy.status().pid).toBeNull();
  expect(await envoy.ensure(signal)).toBe('started');
  // A busy machine takes its time for a start.
  expect(performance.now() - killed).toBeLessThan(Math.max(1_000, 3 * usual));
  expect(pidOf(envoy)).not.toBe(pid);
  following.abort();
  await ends.next();
});

test('one that dies again and again is started later and later', async () => {
  await using run = await createEnvoyRun();
  await using envoy = run.own();
  await envoy.ensure(signal);
  const following = new AbortController();
  const starts: number[] = [];
  const since = performance.now();
  const kill = () => process.kill(pidOf(envoy), 'SIGKILL');
  const told = (async () => {
    for await (const _ of envoy.ends(following.signal))
      await envoy.ensure(signal).then(
        () => {
          starts.push(performance.now() - since);
          if (starts.length < 4) kill();
          else following.abort();
        },
        () => undefined,
      );
  })();
  kill();
  await told;
  const waits = starts.map((time, at) => time - (starts[at - 1] ?? 0));
  expect(waits[3]).toBeGreaterThan(2_000);
  expect(waits[3]).toBeGreaterThan(waits[0] ?? 0);
});

test('a program that is not there is told, and one that runs goes on', async () => {
  await using run = await createEnvoyRun();
  await using missing = run.own({ binary: run.path('none') });
  await expect(missing.ensure(signal)).rejects.toThrow('no such program; Debian has no package');
  expect(missing.status().trouble).toContain('no such program');
  await missing[Symbol.asyncDispose]();
  await using envoy = run.own();
  await envoy.ensure(signal);
  const pid = pidOf(envoy);
  await envoy[Symbol.asyncDispose]();
  await using again = run.own({ binary: run.path('none') });
  expect(await again.ensure(signal)).toBe('running');
  expect(again.status()).toMatchObject({
    pid,
    trouble: expect.stringContaining('no such program'),
  });
});

test('a start that fails says what Envoy says, and is tried again', async () => {
  await using run = await createEnvoyRun();
  await using envoy = run.own({ logLevel: 'nonsense' });
  await expect(envoy.ensure(signal)).rejects.toThrow(/^cannot start Envoy: .*nonsense/);
  expect(envoy.status().trouble).toContain('nonsense');
  const since = performance.now();
  const following = new AbortController();
  await envoy.ends(following.signal).next();
  expect(performance.now() - since).toBeGreaterThan(500);
  following.abort();
});

test('one that never served is put away by another file at once', async () => {
  await using run = await createEnvoyRun();
  await using before = run.own();
  await before.ensure(signal);
  const pid = pidOf(before);
  await before[Symbol.asyncDispose]();
  await using envoy = run.own({ drainTime: 3_000 });
  expect(await envoy.ensure(signal)).toBe('restarted');
  expect(await envoysOf(run.options.directory)).toEqual([pidOf(envoy)]);
  expect(pidOf(envoy)).not.toBe(pid);
});

test('ends with its owner where it is to', async () => {
  await using run = await createEnvoyRun();
  {
    await using envoy = run.own({ onExit: 'stop' });
    await envoy.ensure(signal);
  }
  expect(await envoysOf(run.options.directory)).toEqual([]);
});

test('of a service manager is neither started nor ended, and told what to run', async () => {
  await using run = await createEnvoyRun();
  const { binary } = run.options;
  const own = { supervised: true, onExit: 'stop' } as const;
  await using envoy = run.own(own);
  const file = run.path('run', 'envoy.json');
  await expect(envoy.ensure(signal)).rejects.toThrow(`run ${binary} -c ${file}`);
  const service = execa(binary, ['-c', file, '--disable-hot-restart'], { reject: false });
  await using _ = {
    [Symbol.asyncDispose]: async () => {
      service.kill('SIGKILL');
      await service;
    },
  };
  await until(() => createAdmin(run.options.admin).get('/server_info', signal));
  expect(await envoy.ensure(signal)).toBe('running');
  expect(envoy.status()).toMatchObject({ pid: service.pid, trouble: null });
  await envoy[Symbol.asyncDispose]();
  await using other = run.own({ ...own, node: { id: 'other', cluster: 'test' } });
  expect(await other.ensure(signal)).toBe('running');
  expect(other.status().trouble).toMatch(
    /^Envoy 1\.40\.0 runs an older one than .*: restart its service$/,
  );
  await other[Symbol.asyncDispose]();
  expect(alive(service.pid ?? 0)).toBe(true);
});

test('its log is set aside when it is long', async () => {
  await using run = await createEnvoyRun();
  await using envoy = run.own();
  await envoy.ensure(signal);
  const log = run.path('run', 'envoy.log');
  await appendFile(log, 'x'.repeat(11_000_000));
  const following = new AbortController();
  const told = envoy.ends(following.signal).next();
  await until(async () => (await stat(`${log}.1`)).size > 10_000_000);
  expect((await readFile(log)).length).toBe(0);
  following.abort();
  await told;
});
