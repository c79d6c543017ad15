import { once } from 'node:events';
import { connect } from 'node:http2';

import { afterEach, expect, test, vi } from 'vitest';

import { startFakeEtcd } from '../server.fixture.ts';
import { encode } from '../wire/protobuf.ts';
import { openConnection } from './connection.ts';
import { GrpcError, isFinal, isRefusal } from './errors.ts';
import { keepPinging } from './ping.ts';

afterEach(() => {
  vi.useRealTimers();
});

test('a call that cannot be made is refused, and nothing of it is left', async () => {
  await using etcd = await startFakeEtcd();
  const { signal } = new AbortController();
  const connection = await openConnection({ endpoint: etcd.endpoint, timeout: 2_000 }, signal);
  const options = { metadata: { connection: 'close' }, timeout: 30, signal };
  await expect(connection.call('/x', Buffer.alloc(0), options)).rejects.toThrow();
  // Its limit of time is over; an error in that moment would end the process.
  await new Promise((resolve) => setTimeout(resolve, 100));
  connection.close();
});

test('a call that is not wanted any more is not sent', async () => {
  await using etcd = await startFakeEtcd();
  const connection = await openConnection(
    { endpoint: etcd.endpoint, timeout: 2_000 },
    new AbortController().signal,
  );
  etcd.listing = () => {};
  const request = encode({ 1: '/a', 2: '/b' });
  const options = { metadata: {}, timeout: 1_000, signal: AbortSignal.abort() };
  const call = connection.call('/etcdserverpb.KV/Range', request, options);
  await expect(call).rejects.toThrow('aborted');
  await connection.call('/etcdserverpb.KV/Range', encode({ 1: '/a' }), {
    ...options,
    signal: new AbortController().signal,
  });
  expect(etcd.lists).toBe(0);
  connection.close();
});

/** A connection that is pinged, with time that goes as it is told: nothing comes from the server meanwhile. */
async function pinged(endpoint: string) {
  const session = connect(endpoint);
  await once(session, 'connect');
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  const reasons: string[] = [];
  const pings = keepPinging(session, ({ message }) => reasons.push(message));
  pings.hold();
  return { session, pings, reasons };
}

test('a process that slept, and whose connection has ended in that moment, lives on', async () => {
  await using etcd = await startFakeEtcd();
  const { session } = await pinged(etcd.endpoint);
  session.destroy();
  vi.advanceTimersByTime(60_000);
});

test('a ping is answered behind a long message that is on its way', async () => {
  await using etcd = await startFakeEtcd();
  const { session, pings, reasons } = await pinged(etcd.endpoint);
  vi.advanceTimersByTime(9_900);
  pings.heard();
  vi.advanceTimersByTime(3_900);
  expect(reasons).toEqual([]);
  vi.advanceTimersByTime(20_000);
  expect(reasons).toEqual(['no answer to a ping in 4000 ms']);
  session.destroy();
});

test('a cluster that is full is well, and says no: its connection is kept', () => {
  const full = new GrpcError(8, 'etcdserver: mvcc: database space exceeded');
  expect([isRefusal(full), isFinal(full)]).toEqual([true, true]);
  expect(isRefusal(new GrpcError(8, 'etcdserver: too many requests'))).toBe(false);
});
