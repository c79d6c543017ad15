import { spawn } from 'node:child_process';
import { once } from 'node:events';

import { expect, test } from 'vitest';

import { isRunning, processIdOf } from './process-id.ts';

test('a process runs until it ends', async () => {
  const child = spawn('sleep', ['60'], { stdio: 'ignore' });
  await once(child, 'spawn');
  const id = processIdOf(child.pid ?? 0);
  expect(isRunning(id)).toBe(true);
  child.kill();
  await once(child, 'exit');
  expect(isRunning(id)).toBe(false);
});

test('a process that had ended when it was looked up does not run', async () => {
  const child = spawn('true', { stdio: 'ignore' });
  await once(child, 'exit');
  expect(isRunning(processIdOf(child.pid ?? 0))).toBe(false);
});
