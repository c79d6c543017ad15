import { appendFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { expect, onTestFinished, test } from 'vitest';

import { createEjections } from './ejections.ts';

const line = (fields: object) =>
  `${JSON.stringify({
    type: 'CONSECUTIVE_5XX',
    timestamp: '2026-11-28T09:12:50.610Z',
    cluster_name: 'web',
    upstream_url: '127.0.0.1:1',
    action: 'EJECT',
    enforced: true,
    ...fields,
  })}\n`;

async function createFile() {
  const folder = await mkdtemp(join(tmpdir(), 'ejections-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return join(folder, 'log');
}

test('an ejected member is known until it is taken back', async () => {
  const path = await createFile();
  const ejections = createEjections(path);
  const of = () => ejections.of('web', '127.0.0.1:1');
  await ejections.read();
  expect(of()).toBeUndefined();
  const text = line({});
  await writeFile(path, `${line({ enforced: false })}not JSON\n${text.slice(0, 30)}`);
  await ejections.read();
  expect(of()).toBeUndefined();
  await appendFile(path, text.slice(30));
  await ejections.read();
  expect(of()).toEqual({
    since: Date.parse('2026-11-28T09:12:50.610Z'),
    why: 'too many errors in a row',
  });
  expect(ejections.of('web', '127.0.0.1:2')).toBeUndefined();
  await appendFile(path, line({ action: 'UNEJECT', type: undefined }));
  await ejections.read();
  expect(of()).toBeUndefined();
});

test('a file that was emptied is read from its beginning, a long one to its end', async () => {
  const path = await createFile();
  await writeFile(path, line({ upstream_url: 'x' }).repeat(1_000));
  const ejections = createEjections(path);
  await ejections.read();
  expect(ejections.of('web', 'x')).toBeDefined();
  await writeFile(path, line({ type: 'SOMETHING_NEW' }));
  await ejections.read();
  expect(ejections.of('web', '127.0.0.1:1')?.why).toBe('SOMETHING_NEW');
});
