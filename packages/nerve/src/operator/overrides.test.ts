import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '@smartstack/daemon';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { openOrders } from './overrides.ts';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'orders-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

const downtime = { reason: 'disk', owner: 'ann', since: 1, until: 2 };

test('orders are there for a next nerve, and gone once they are taken back', async () => {
  const orders = await openOrders(directory, silentLog);
  await orders.give('web', { downtime, weight: 0 });
  expect((await openOrders(directory, silentLog)).of('web')).toEqual({ downtime, weight: 0 });
  await orders.give('web', {});
  expect((await openOrders(directory, silentLog)).of('web')).toEqual({});
});

test('a thousand orders at once are all noted', async () => {
  const orders = await openOrders(directory, silentLog);
  const names = Array.from({ length: 1000 }, (_, index) => `web-${index}`);
  await Promise.all(names.map((name) => orders.give(name, { downtime })));
  const noted = JSON.parse(await readFile(join(directory, 'orders.json'), 'utf8')) as object;
  expect(Object.keys(noted)).toEqual(names);
});

test('an order that cannot be noted is obeyed all the same, and the next is noted with it', async () => {
  await rm(directory, { recursive: true });
  await writeFile(directory, '');
  const orders = await openOrders(directory, silentLog);
  await expect(orders.give('web', { weight: 3 })).rejects.toThrow(
    /^done, but not noted for a next nerve: /,
  );
  expect(orders.of('web')).toEqual({ weight: 3 });
  await rm(directory);
  await orders.give('api', { weight: 4 });
  expect((await openOrders(directory, silentLog)).of('web')).toEqual({ weight: 3 });
});
