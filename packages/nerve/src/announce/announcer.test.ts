import { createLatest, silentLog } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';
import { expect, test, vi } from 'vitest';
import { createTestRegistry } from '../registry.fixture.ts';
import { type Announcing, keepAnnounced } from './announcer.ts';

const web: Instance = { host: '127.0.0.1', port: 80, name: 'a' };

function start() {
  const registry = createTestRegistry();
  const wishes = createLatest<Instance | undefined>();
  const stop = new AbortController();
  const deps = { registry, path: '/services/web', log: silentLog };
  const ended = keepAnnounced(wishes, deps, stop.signal);
  return { registry, wishes, stop: () => stop.abort(), ended };
}

test('an instance that is wished for is announced, and withdrawn when it no longer is', async () => {
  const { registry, wishes, stop, ended } = start();
  wishes.set(web);
  await vi.waitFor(() => expect(registry.standing).toContain(web));
  wishes.set(undefined);
  await vi.waitFor(() => expect(registry.standing.size).toBe(0));
  stop();
  await ended;
  expect(registry.events).toEqual(['announce 80', 'stands 80', 'withdraw 80']);
});

test('an abort withdraws before it ends', async () => {
  const { registry, wishes, stop, ended } = start();
  wishes.set(web);
  await vi.waitFor(() => expect(registry.standing).toContain(web));
  stop();
  await ended;
  expect(registry.standing.size).toBe(0);
});

test('an announcement that hangs is cancelled when it is no longer wished for', async () => {
  const { registry, wishes, stop, ended } = start();
  registry.announcing = 'hangs';
  wishes.set(web);
  await vi.waitFor(() => expect(registry.events).toEqual(['announce 80']));
  wishes.set(undefined);
  await vi.waitFor(() => expect(registry.events).toEqual(['announce 80', 'cancelled 80']));
  registry.announcing = 'works';
  wishes.set(web);
  await vi.waitFor(() => expect(registry.standing).toContain(web));
  stop();
  await ended;
});

test('an announcement that hangs is cancelled by an abort', async () => {
  const { registry, wishes, stop, ended } = start();
  registry.announcing = 'hangs';
  wishes.set(web);
  await vi.waitFor(() => expect(registry.events).toEqual(['announce 80']));
  stop();
  await ended;
});

test('a refused announcement is tried again until it works', async () => {
  const { registry, wishes, stop, ended } = start();
  registry.announcing = 'refused';
  wishes.set(web);
  await vi.waitFor(() => expect(registry.events.length).toBeGreaterThan(1));
  registry.announcing = 'works';
  await vi.waitFor(() => expect(registry.standing).toContain(web), { timeout: 3000 });
  stop();
  await ended;
});

test('a withdrawal that is refused is tried again, holds up nothing, and counts as announced until it works', async () => {
  const { registry, wishes, stop, ended } = start();
  registry.withdrawing = 'refused';
  wishes.set(web);
  await vi.waitFor(() => expect(registry.standing).toContain(web));
  wishes.set(undefined);
  await vi.waitFor(() => expect(registry.events).toContain('withdraw 80'));
  wishes.set(web);
  await vi.waitFor(() =>
    expect(registry.events.filter((event) => event === 'stands 80').length).toBe(2),
  );
  registry.withdrawing = 'works';
  stop();
  await ended;
  expect(registry.standing.size).toBe(0);
});

test('down and up again in one go touches nothing', async () => {
  const { registry, wishes, stop, ended } = start();
  wishes.set(web);
  await vi.waitFor(() => expect(registry.standing).toContain(web));
  wishes.set(undefined);
  wishes.set(web);
  await new Promise((resolve) => setImmediate(resolve));
  expect(registry.events).toEqual(['announce 80', 'stands 80']);
  stop();
  await ended;
});

test('what is tried again is the newest, and what failed and may have been done is written over', async () => {
  const written: (number | undefined)[] = [];
  let fails = true;
  const registry: Announcing = {
    announce: async () => ({
      update: async ({ weight }) => {
        written.push(weight);
        if (fails) throw new Error('no answer');
      },
      [Symbol.asyncDispose]: async () => {},
    }),
  };
  const wishes = createLatest<Instance | undefined>();
  const stop = new AbortController();
  const told: unknown[] = [];
  const onTrouble = (reason: string | undefined) => told.push(reason);
  const deps = { registry, path: '/services/web', log: silentLog, onTrouble };
  const ended = keepAnnounced(wishes, deps, stop.signal);
  wishes.set(web);
  await vi.waitFor(() => expect(told).toEqual([undefined]));
  wishes.set({ ...web, weight: 7 });
  await vi.waitFor(() => expect(written).toContain(7));
  wishes.set({ ...web, weight: 8 });
  await vi.waitFor(() => expect(written).toContain(8), 5000);
  wishes.set(web);
  fails = false;
  await vi.waitFor(() => expect(written.at(-1)).toBeUndefined(), 5000);
  await vi.waitFor(() => expect(told.at(-1)).toBeUndefined());
  expect(told[1]).toBe('cannot announce: no answer');
  stop.abort();
  await ended;
});
