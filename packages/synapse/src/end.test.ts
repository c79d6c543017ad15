import { endDeadline } from '@smartstack/daemon';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { bundled } from '../../daemon/src/run/bundled.fixture.ts';
import { patience } from './outputs/disposal.ts';

const program = await bundled(new URL('end.fixture.ts', import.meta.url));

/** Starts a synapse with proxies that end in these ways, and sends it SIGTERM. */
async function end(...ways: readonly string[]) {
  const child = execa('node', [program, ...ways], {
    reject: false,
    timeout: 60_000,
    forceKillAfterDelay: false,
  });
  let signalled = 0;
  for await (const line of child) {
    if (line !== 'ready') continue;
    signalled = performance.now();
    child.kill('SIGTERM');
  }
  const { exitCode, stdout, stderr } = await child;
  const lines = stderr.split('\n').filter((line) => line.startsWith('{'));
  const errors = lines.map((line) => JSON.parse(line)).filter(({ level }) => level >= 50);
  return { exitCode, stdout, errors, took: performance.now() - signalled };
}

test.concurrent.each([
  ['throws', 'a defect'],
  ['rejects', 'a defect'],
  ['hangs', 'no end in 1500 ms'],
])(
  'a proxy driver whose end %s: the others end well, and the log names it',
  async (how, reason) => {
    const { exitCode, stdout, errors, took } = await end('ends', how, 'ends');
    expect(stdout.match(/ended well/g)).toHaveLength(2);
    expect(errors).toEqual([
      expect.objectContaining({
        proxy: `one-that-${how}`,
        reason,
        msg: 'cannot end a proxy driver or output',
      }),
    ]);
    expect(exitCode).toBe(0);
    expect(took).toBeLessThan(10_000);
  },
);

test('synapse waits for them no longer than its own end may take', () => {
  expect(patience).toBeLessThan(endDeadline);
});
