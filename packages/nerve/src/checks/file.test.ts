import { mkdtemp, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterEach, beforeEach, expect, test } from 'vitest';
import { checkSchema, createCheck } from './table.ts';
import { createTtlReports } from './ttl-reports.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'file-'));
});
afterEach(() => rm(directory, { recursive: true }));

const { signal } = new AbortController();
async function run(keys: object = {}): Promise<void> {
  const config = checkSchema.parse({ type: 'file', path: 'ready', ...keys });
  await (
    await createCheck(config, {
      service: 'web',
      host: 'h',
      port: 1,
      directory,
      ttlReports: createTtlReports(),
    })
  ).run(signal);
}
async function put(secondsAgo = 0): Promise<void> {
  await writeFile(join(directory, 'ready'), '');
  const time = Date.now() / 1000 - secondsAgo;
  await utimes(join(directory, 'ready'), time, time);
}

test('passes while the file is there', async () => {
  await expect(run()).rejects.toThrow(`stat ${directory}/ready: ENOENT`);
  await put(1000);
  await run();
});

test('passes while the file is younger than asked for', async () => {
  await put(5);
  await run({ younger_than: 60 });
  await put(90);
  await expect(run({ younger_than: '1m' })).rejects.toThrow(
    `stat ${directory}/ready: changed 90 s ago, expected 60 s`,
  );
});

test('noop always passes', async () => {
  const config = checkSchema.parse({ type: 'noop' });
  const check = await createCheck(config, {
    service: 'web',
    host: 'h',
    port: 1,
    directory,
    ttlReports: createTtlReports(),
  });
  expect(check.name).toBe('web noop');
  await check.run(signal);
});
