import { createLatest, silentLog } from '@smartstack/daemon';
import { type Instance, Unconfirmed } from '@smartstack/registry';
import { expect, test, vi } from 'vitest';
import { createTestRegistry } from '../registry.fixture.ts';
import { type Announcing, keepAnnounced } from './announcer.ts';

const web: Instance = { host: '127.0.0.1', port: 80, name: 'a' };

function start() {
  const registry = createTestRegistry();
  const desired = createLatest<Instance | undefined>();
  const stop = new AbortController();
  const deps = { registry, path: '/services/web', log: silentLog };
  const ended = keepAnnounced(desired, deps, stop.signal);
  return { registry, desired, stop: () => stop.abort(), ended };
}

test.concurrent('an instance that is desired is announced, and withdrawn when it no longer is', async () => {
  const { registry, desired, stop, ended } = start();
  desired.set(web);
  await vi.waitFor(() => expect(registry.registered).toContain(web));
  desired.set(undefined);
  await vi.waitFor(() => expect(registry.registered.size).toBe(0));
  stop();
  await ended;
  expect(registry.events).toEqual(['announce 80', 'announced 80', 'withdraw 80']);
});

test.concurrent('an abort withdraws before it ends', async () => {
  const { registry, desired, stop, ended } = start();
  desired.set(web);
  await vi.waitFor(() => expect(registry.registered).toContain(web));
  stop();
  await ended;
  expect(registry.registered.size).toBe(0);
});

test.concurrent('an announcement that hangs is cancelled when it is no longer desired', async () => {
  const { registry, desired, stop, ended } = start();
  registry.announcing = 'hangs';
  desired.set(web);
  await vi.waitFor(() => expect(registry.events).toEqual(['announce 80']));
  desired.set(undefined);
  await vi.waitFor(() => expect(registry.events).toEqual(['announce 80', 'cancelled 80']));
  registry.announcing = 'works';
  desired.set(web);
  await vi.waitFor(() => expect(registry.registered).toContain(web));
  stop();
  await ended;
});

test.concurrent('an announcement that hangs is cancelled by an abort', async () => {
  const { registry, desired, stop, ended } = start();
  registry.announcing = 'hangs';
  desired.set(web);
  await vi.waitFor(() => expect(registry.events).toEqual(['announce 80']));
  stop();
  await ended;
});

test.concurrent('a refused announcement is tried again until it works', async () => {
  const { registry, desired, stop, ended } = start();
  registry.announcing = 'refused';
  desired.set(web);
  await vi.waitFor(() => expect(registry.events.length).toBeGreaterThan(1));
  registry.announcing = 'works';
  await vi.waitFor(() => expect(registry.registered).toContain(web), { timeout: 3000 });
  stop();
  await ended;
});

test.concurrent('a withdrawal that is refused is tried again, holds up nothing, and counts as announced until it works', async () => {
  const { registry, desired, stop, ended } = start();
  registry.withdrawing = 'refused';
  desired.set(web);
  await vi.waitFor(() => expect(registry.registered).toContain(web));
  desired.set(undefined);
  await vi.waitFor(() => expect(registry.events).toContain('withdraw 80'));
  desired.set(web);
  await vi.waitFor(() =>
    expect(registry.events.filter((event) => event === 'announced 80').length).toBe(2),
  );
  registry.withdrawing = 'works';
  stop();
  await ended;
  expect(registry.registered.size).toBe(0);
});

test.concurrent('what may have come of failed attempts is withdrawn when it is no longer desired', async () => {
  let failures = 0;
  let refusals = 2;
  let stands = true;
  const gone: boolean[] = [];
  const registry: Announcing = {
    announce: async () => {
      failures++;
      throw new Unconfirmed(new Error('no answer'), async () => {
        if (refusals-- > 0) throw new Error('no answer');
        stands = false;
      });
    },
  };
  const desired = createLatest<Instance | undefined>();
  const stop = new AbortController();
  const onGone = () => gone.push(stands);
  const deps = { registry, path: '/services/web', log: silentLog, onGone };
  const ended = keepAnnounced(desired, deps, stop.signal);
  desired.set(web);
  await vi.waitFor(() => expect(failures).toBeGreaterThan(0));
  desired.set(undefined);
  await vi.waitFor(() => expect(gone).toEqual([false]), { timeout: 3000 });
  stop.abort();
  await ended;
});

test.concurrent('down and up again in one go touches nothing', async () => {
  const { registry, desired, stop, ended } = start();
  desired.set(web);
  await vi.waitFor(() => expect(registry.registered).toContain(web));
  desired.set(undefined);
  desired.set(web);
  await new Promise((resolve) => setImmediate(resolve));
  expect(registry.events).toEqual(['announce 80', 'announced 80']);
  stop();
  await ended;
});

test.concurrent('what is tried again is the newest, and what failed and may have been done is written over', async () => {
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
  const desired = createLatest<Instance | undefined>();
  const stop = new AbortController();
  const troubles: unknown[] = [];
  const onTrouble = (reason: string | undefined) => troubles.push(reason);
  const deps = { registry, path: '/services/web', log: silentLog, onTrouble };
  const ended = keepAnnounced(desired, deps, stop.signal);
  desired.set(web);
  await vi.waitFor(() => expect(troubles).toEqual([undefined]));
  desired.set({ ...web, weight: 7 });
  await vi.waitFor(() => expect(written).toContain(7));
  desired.set({ ...web, weight: 8 });
  await vi.waitFor(() => expect(written).toContain(8), 5000);
  desired.set(web);
  fails = false;
  await vi.waitFor(() => expect(written.at(-1)).toBeUndefined(), 5000);
  await vi.waitFor(() => expect(troubles.at(-1)).toBeUndefined());
  expect(troubles[1]).toBe('cannot announce: no answer');
  stop.abort();
  await ended;
});
