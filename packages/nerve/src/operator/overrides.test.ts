import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '@smartstack/daemon';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { openOverrides } from './overrides.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'overrides-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const downtime = { reason: 'disk', owner: 'ann', since: 1, until: 2 };

test('overrides are there for a next nerve, and gone once they are removed', async () => {
  const overrides = await openOverrides(directory, silentLog);
  await overrides.set('web', { downtime, weight: 0 });
  expect((await openOverrides(directory, silentLog)).of('web')).toEqual({ downtime, weight: 0 });
  await overrides.set('web', {});
  expect((await openOverrides(directory, silentLog)).of('web')).toEqual({});
});

test('a thousand overrides at once are all saved', async () => {
  const overrides = await openOverrides(directory, silentLog);
  const names = Array.from({ length: 1000 }, (_, index) => `web-${index}`);
  await Promise.all(names.map((name) => overrides.set(name, { downtime })));
  const noted = JSON.parse(await readFile(join(directory, 'orders.json'), 'utf8')) as object;
  expect(Object.keys(noted)).toEqual(names);
});

test('an override that cannot be saved counts all the same, and is saved with the next', async () => {
  await rm(directory, { recursive: true });
  await writeFile(directory, '');
  const overrides = await openOverrides(directory, silentLog);
  await expect(overrides.set('web', { weight: 3 })).rejects.toThrow(
    /^done, but not noted for a next nerve: /,
  );
  expect(overrides.of('web')).toEqual({ weight: 3 });
  await rm(directory);
  await overrides.set('api', { weight: 4 });
  expect((await openOverrides(directory, silentLog)).of('web')).toEqual({ weight: 3 });
});
