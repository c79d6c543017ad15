import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { bundled } from './bundled.fixture.ts';

const program = await bundled(new URL('supervisor.fixture.ts', import.meta.url));

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'supervisor-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** A `systemd-notify` that writes down what it is told, and where. */
async function noteTaking(): Promise<void> {
  const program = join(directory, 'systemd-notify');
  await writeFile(program, `#!/bin/sh\necho "$NOTIFY_SOCKET $*" >>${directory}/told\n`);
  await chmod(program, 0o755);
}

const told = async () =>
  (await readFile(join(directory, 'told'), 'utf8').catch(() => '')).split('\n').filter(Boolean);

const start = (works: number, env: NodeJS.ProcessEnv = {}) =>
  execa('node', [program, `${works}`], {
    env: { PATH: `${directory}:${process.env.PATH}`, ...env },
    timeout: 20_000,
  });

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await isTrue()); tries++) {
    if (tries > 1_000) throw new Error('did not come true');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test('without a service manager nothing is sent', async () => {
  await noteTaking();
  await start(9);
  expect(await told()).toEqual([]);
});

test('a service manager without a watchdog is told once', async () => {
  await noteTaking();
  const { stdout } = await start(9, { NOTIFY_SOCKET: '/run/notify' });
  expect(await told()).toEqual(['/run/notify --ready --status=ready']);
  expect(stdout, 'what is left in the environment for children').toBe('no socket');
});

test('the watchdog is fed while the daemon works, and not once it is stuck', async () => {
  await noteTaking();
  const daemon = start(3, { NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '60000' });
  const lines = daemon.iterable({ from: 'stderr' });
  await until(async () => (await told()).length === 4);
  let said = '';
  for await (const line of lines) {
    said = line;
    daemon.kill('SIGTERM');
  }
  await daemon;
  expect(said).toContain('stuck: systemd is no longer told that this daemon lives');
  expect((await told()).slice(1)).toEqual(Array(3).fill('/run/notify WATCHDOG=1'));
});

test("another process's watchdog is its own affair", async () => {
  await noteTaking();
  const env = { NOTIFY_SOCKET: '/run/notify', WATCHDOG_USEC: '60000', WATCHDOG_PID: '1' };
  await start(3, env);
  expect(await told()).toHaveLength(1);
});

test('a service manager that cannot be told is logged, and the daemon goes on', async () => {
  await writeFile(join(directory, 'systemd-notify'), '#!/bin/sh\nexit 1\n', { mode: 0o755 });
  const { stderr, exitCode } = await start(1, { NOTIFY_SOCKET: '/run/notify' });
  expect(stderr).toContain('cannot tell systemd');
  expect(exitCode).toBe(0);
});
