import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { bundled } from './bundled.fixture.ts';

const program = await bundled(new URL('run.fixture.ts', import.meta.url));
const run = (way: string) => execa('node', [program, way], { reject: false, timeout: 20_000 });

async function runAndSignal(way: string, ...signals: NodeJS.Signals[]) {
  const child = run(way);
  for await (const line of child) {
    if (line !== 'ready') continue;
    for (const signal of signals) {
      child.kill(signal);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return child;
}

test('a daemon that finishes exits with 0', async () => {
  expect((await run('finish')).exitCode).toBe(0);
});

test.each(['SIGTERM', 'SIGINT'] as const)('%s ends it with 0', async (signal) => {
  const { exitCode, stderr } = await runAndSignal('wait', signal);
  expect(stderr).toContain(`"signal":"${signal}","msg":"stopping"`);
  expect(exitCode).toBe(0);
});

test('SIGHUP does not end it', async () => {
  const { exitCode, stderr } = await runAndSignal('wait', 'SIGHUP', 'SIGTERM');
  expect(stderr).toContain('nothing was reloaded');
  expect(exitCode).toBe(0);
});

test('a log without a reader does not end it', async () => {
  const child = spawn('node', [program, 'wait']);
  await once(child.stdout, 'data');
  child.stderr.destroy();
  const exited = once(child, 'exit');
  child.kill('SIGHUP');
  await Promise.race([exited, new Promise((resolve) => setTimeout(resolve, 300))]);
  child.kill('SIGTERM');
  expect(await exited).toEqual([0, null]);
});

test('one that does not stop by its deadline is ended with 1', async () => {
  const { exitCode, stderr } = await runAndSignal('hang', 'SIGTERM');
  expect(stderr).toContain('did not stop in time');
  expect(exitCode).toBe(1);
});

test('a second signal ends it at once', async () => {
  expect((await runAndSignal('hang', 'SIGTERM', 'SIGTERM')).exitCode).toBe(128 + 15);
});

test('an error that the user can fix is shown as its message alone', async () => {
  const { exitCode, stderr } = await run('refuse');
  expect(stderr).toContain('"msg":"port 80 is taken"');
  expect(stderr).not.toContain('stack');
  expect(exitCode).toBe(1);
});

test('a floating rejection is a defect: it is logged and ends the process', async () => {
  const { exitCode, stderr } = await run('float');
  expect(stderr).toContain('a defect');
  expect(exitCode).toBe(1);
});
