import { createMetrics, type Metrics, silentLog } from '@smartstack/daemon';
import { beforeEach, expect, onTestFinished, test, vi } from 'vitest';

import { badRecordsOf } from '../instance/decoder.ts';
import type { Instance } from '../instance/instance.ts';
import { createEtcdRegistry, type EtcdRegistry } from './etcd.ts';
import { type FakeEtcd, startFakeEtcd } from './server.fixture.ts';

let etcd: FakeEtcd;
let registry: EtcdRegistry;
let metrics: Metrics;
let ended: AbortController;
beforeEach(async () => {
  etcd = await startFakeEtcd();
  metrics = createMetrics();
  registry = createEtcdRegistry({
    endpoints: [etcd.endpoint],
    timeout: 5_000,
    limits: { records: 1_000, bytes: 100_000 },
    log: silentLog,
    metrics,
  });
  ended = new AbortController();
  onTestFinished(async () => {
    ended.abort();
    await registry[Symbol.asyncDispose]();
    await etcd[Symbol.asyncDispose]();
  });
});

/** The lists of a path as they come, with why there are none. */
function follow(path: string) {
  const lists: (readonly Instance[])[] = [];
  const troubles: (string | undefined)[] = [];
  const read = async () => {
    const onTrouble = (reason: string | undefined) => void troubles.push(reason);
    for await (const list of registry.follow(path, { onTrouble }, ended.signal)) lists.push(list);
  };
  const reading = read();
  onTestFinished(() => {
    ended.abort();
    return reading;
  });
  const has = (ports: string) =>
    vi.waitFor(
      () =>
        expect(
          lists
            .at(-1)
            ?.map(({ port }) => port)
            .join(' '),
        ).toBe(ports),
      { timeout: 10_000 },
    );
  return { lists, troubles, has };
}

test('a path that may not be read any more stops no other', async () => {
  etcd.put('/services/db/m1', '10.0.0.1:1');
  etcd.put('/services/web/m1', '10.0.0.1:1');
  const [web, db] = [follow('/services/web'), follow('/services/db')];
  await web.has('1');
  await db.has('1');
  await vi.waitFor(() => expect(etcd.watches).toBe(2));
  etcd.denied = '/services/web';
  etcd.cut();
  await vi.waitFor(() => expect(web.troubles.at(-1)).toMatch(/permission denied/), 5_000);
  await vi.waitFor(() => expect(db.troubles.at(-1)).toBeUndefined(), 5_000);
  // The other's watch stays on its stream.
  const { connections } = etcd;
  for (let port = 2; port < 6; port += 1) {
    etcd.put(`/services/db/m${port}`, `10.0.0.1:${port}`);
    await vi.waitFor(() => expect(db.lists.at(-1)).toHaveLength(port), 1_000);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
  expect(etcd.connections).toBe(connections);
  expect(db.troubles.at(-1)).toBeUndefined();
  expect(web.lists).toHaveLength(1);
  etcd.put('/services/web/m2', '10.0.0.1:2');
  etcd.denied = undefined;
  await web.has('1 2');
});

test('changes that are more than is read at once make it read the list', async () => {
  etcd.put('/services/web/m1', '10.0.0.1:1');
  const web = follow('/services/web');
  await web.has('1');
  await vi.waitFor(() => expect(etcd.watches).toBe(1));
  etcd.cut();
  etcd.put('/services/web/m2', '10.0.0.1:2');
  etcd.flood = etcd.revision + 1;
  await web.has('1 2');
  expect(etcd.lists).toBe(2);
  await vi.waitFor(() => expect(etcd.watches).toBe(3));
  etcd.put('/services/web/m3', '10.0.0.1:3');
  await web.has('1 2 3');
});

test('long values are bad records, and are read in smaller pages', async () => {
  for (let index = 0; index < 60; index += 1) etcd.put(`/services/web/m${index}`, 'a:1');
  etcd.put('/services/web/x', Buffer.alloc(70_000, 'x'));
  etcd.mostListed = 20;
  const web = follow('/services/web');
  await vi.waitFor(() => expect(web.lists[0]).toHaveLength(60), 10_000);
  expect(badRecordsOf(web.lists[0] ?? [])).toEqual([
    { id: 'x', reason: 'longer than 65536 bytes' },
  ]);
  expect(etcd.connections).toBe(1);
});

test('a path that comes to hold too much keeps what was known', async () => {
  etcd.put('/services/web/m1', '10.0.0.1:1');
  const [web, db] = [follow('/services/web'), follow('/services/db')];
  await web.has('1');
  await vi.waitFor(() => expect(etcd.watches).toBe(2));
  for (let index = 0; index < 12; index += 1)
    etcd.put(`/services/web/x${index}`, Buffer.alloc(10_000, 'x'));
  const reason = 'more than 100000 bytes at /services/web';
  await vi.waitFor(() => expect(web.troubles.at(-1)).toBe(reason), 10_000);
  const known = web.lists.length;
  etcd.put('/services/web/m2', '10.0.0.1:2');
  etcd.put('/services/db/m1', '10.0.0.1:1');
  await db.has('1');
  expect(web.lists).toHaveLength(known);
  await web.has('1');
});

test('a follower that is ended by whoever hears that all is well ends', async () => {
  etcd.put('/services/web/m1', '10.0.0.1:1');
  const own = new AbortController();
  const onTrouble = () => own.abort();
  const lists: unknown[] = [];
  for await (const list of registry.follow('/services/web', { onTrouble }, own.signal))
    lists.push(list);
  expect(lists.length).toBeLessThan(2);
});

test('an odd field of a record is counted', async () => {
  etcd.put('/services/web/m1', '{"host":"10.0.0.1","port":1,"weight":"x"}');
  await follow('/services/web').has('1');
  expect((await metrics.text()).body).toContain(
    'smartstack_registry_odd_fields_total{path="/services/web"} 1',
  );
});
