import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { execa } from 'execa';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { endsWithin } from '../../../../test/support/ends-within.ts';
import { createProbe, type Result } from './probe.ts';
import { checkSchema, createCheck } from './table.ts';
import { createTtlReports } from './ttl-reports.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'exec-'));
});
afterEach(() => rm(directory, { recursive: true }));

async function run(command: unknown, timeout = 5): Promise<Result> {
  const config = checkSchema.parse({ type: 'exec', command, timeout });
  const deps = {
    service: 'web',
    host: '10.0.0.1',
    port: 80,
    directory,
    ttlReports: createTtlReports(),
  };
  const check = await createCheck(config, deps);
  return createProbe(check, config.timeout, new AbortController().signal)();
}

test('a command that exits with 0 passes', async () => {
  expect(await run(['true'])).toMatchObject({ passed: true });
});

test.each([
  [['false'], 'run false: exit code 1'],
  [
    ['sh', '-c', 'echo one; echo two >&2; exit 3'],
    'run sh -c echo one; echo two >&2; exit 3: exit code 3: two',
  ],
  [{ shell: 'exit 4' }, 'run exit 4: exit code 4'],
  [{ shell: 'kill -9 $$' }, 'run kill -9 $$: ended by SIGKILL'],
  [['/no/such/program'], 'run /no/such/program: spawn /no/such/program ENOENT'],
])('%j fails and tells how it ended', async (command, reason) => {
  expect(await run(command)).toMatchObject({ passed: false, reason });
});

test('words are arguments, not shell text', async () => {
  expect((await run(['test', '$(echo a)', '=', '$(echo a)'])).passed).toBe(true);
});

test('the service is in the environment and the folder is that of the configuration', async () => {
  await run({ shell: 'echo "$NERVE_SERVICE $NERVE_HOST $NERVE_PORT" > seen' });
  expect(await readFile(join(directory, 'seen'), 'utf8')).toBe('web 10.0.0.1 80\n');
});

test('at the deadline the command and all that it started are killed', async () => {
  const shell = 'sleep 60 & echo $! > child; sleep 60';
  expect((await endsWithin(3000, run({ shell }, 0.3))).reason).toBe(
    `run ${shell}: no answer within 300 ms`,
  );
  const pid = await readFile(join(directory, 'child'), 'utf8');
  await ended(pid);
});

test('a child that outlives a command that passed neither holds it up nor lives on', async () => {
  const result = await endsWithin(3000, run({ shell: 'sleep 60 & echo $! > child' }));
  expect(result.passed).toBe(true);
  await ended(await readFile(join(directory, 'child'), 'utf8'));
});

/** A zombie is dead and only waits for its new parent. */
async function ended(pid: string): Promise<void> {
  const state = () => execa('ps', ['-o', 'stat=', '-p', pid.trim()], { reject: false });
  await vi.waitFor(async () => expect((await state()).stdout).toMatch(/^(Z.*)?$/));
}

test('output without end neither fills memory nor blocks', async () => {
  expect((await run({ shell: 'head -c 10000000 /dev/zero; exit 2' })).reason).toContain(
    'exit code 2',
  );
});
