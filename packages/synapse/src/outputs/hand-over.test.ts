import { setTimeout as sleep } from 'node:timers/promises';
import { silentLog } from '@smartstack/daemon';
import type { ConfigurableDriver, Service, Snapshot } from '@smartstack/proxy';
import { expect, onTestFinished, test, vi } from 'vitest';

import { createHandOver } from './hand-over.ts';

const member = (port: number) => ({ host: '10.0.0.1', port });

/** The service web, which a proxy serves. */
const web = (proxy: string, ports = [1]): Service => ({
  name: 'web',
  instances: ports.map(member),
  defaults: [],
  own: { [proxy]: { port: 80 } },
  origin: 'synapse.yaml:1:1',
});

const snapshotOf = (service: Service): Snapshot => new Map([[service.name, service]]);

/** Two proxies, and what each was given last of web. */
function createTwo(standing: Readonly<Record<string, readonly string[]>> = {}) {
  const handOver = createHandOver(silentLog);
  const { signal } = new AbortController();
  const start = (name: string) => {
    const proxy = { given: undefined as Service | undefined, listens: false, isAsked: false };
    const driver = handOver.wrap({
      name,
      apply: async (snapshot: Snapshot) => {
        proxy.given = snapshot.get('web');
        return 'updated';
      },
      standing: async () => {
        proxy.isAsked = true;
        if (!standing[name]) throw new Error('no answer');
        return new Set(standing[name]);
      },
      serves: () => proxy.listens,
      wakes: async function* (until: AbortSignal) {
        await new Promise((resolve) => until.addEventListener('abort', resolve));
      },
    } as unknown as ConfigurableDriver<unknown>);
    return {
      proxy,
      driver,
      apply: (service: Service) => driver.apply(snapshotOf(service), signal),
      has: () => proxy.given?.own?.[name] !== undefined,
    };
  };
  const [old, next] = [start('old'), start('next')];
  /** The first `apply` of both, at a time as a reconciler does. */
  const both = (service: Service) => Promise.all([old.apply(service), next.apply(service)]);
  return { old, next, both };
}

test('the proxy that had a service has it, with new members, until another one has listened for a while', async () => {
  const { old, next, both } = createTwo();
  await both(web('old'));
  expect([old.has(), next.has()]).toEqual([true, false]);

  await old.apply(web('next', [1, 2]));
  await next.apply(web('next', [1, 2]));
  expect([old.has(), next.has()]).toEqual([true, true]);
  expect(old.proxy.given?.instances).toHaveLength(2);
  expect(next.proxy.given?.takenFrom).toBe('old');

  next.proxy.listens = true;
  const woken = old.driver.wakes(new AbortController().signal)[Symbol.asyncIterator]();
  await next.apply(web('next', [1, 2]));
  const first = woken.next();
  await vi.waitFor(async () => expect((await first).done).toBe(false));
  await old.apply(web('next', [1, 2]));
  expect(old.has()).toBe(true);
  // It asks to look again by itself.
  expect((await woken.next()).done).toBe(false);
  await old.apply(web('next', [1, 2]));
  expect(old.has()).toBe(false);
  await next.apply(web('next', [1, 2]));
  expect(next.proxy.given?.takenFrom).toBeUndefined();
  await woken.return?.();
});

test('where the other one cannot listen nothing moves, and back is at once', async () => {
  const { old, next, both } = createTwo();
  old.proxy.listens = true;
  await both(web('old'));
  for (let again = 0; again < 3; again += 1) {
    await next.apply(web('next'));
    await old.apply(web('next'));
  }
  expect(old.has()).toBe(true);
  await old.apply(web('old'));
  expect(old.proxy.given?.takenFrom).toBe('next');
});

test('a proxy that has it of an earlier synapse is left as it is until another one has listened for a while', async () => {
  const { old, next, both } = createTwo({ old: ['web', 'gone', 'mine'] });
  expect(await both(web('next'))).toEqual(['unchanged', 'updated']);
  expect(next.proxy.given?.takenFrom).toBe('old');
  expect(old.proxy.given).toBeUndefined();
  next.proxy.listens = true;
  await old.apply(web('next'));
  expect(old.proxy.given).toBeUndefined();
  await sleep(1_010);
  await old.apply(web('next'));
  expect(old.proxy.given).toBeDefined();
  expect(old.has()).toBe(false);
  await next.apply(web('next'));
  expect(next.proxy.given?.takenFrom).toBeUndefined();
});

test('each is asked in its own first apply, and another one waits for that', async () => {
  const { old, next } = createTwo({ next: ['web'] });
  const first = old.apply(web('old'));
  await sleep(10);
  expect([old.proxy.isAsked, next.proxy.isAsked]).toEqual([true, false]);
  await next.apply(web('old'));
  await first;
  expect(old.proxy.given?.takenFrom).toBe('next');
});

test('it is not left so for ever, nor where it has the service itself', async () => {
  const now = vi.spyOn(performance, 'now');
  onTestFinished(() => now.mockRestore());
  const { old, both } = createTwo({ old: ['web'] });
  now.mockReturnValue(0);
  expect(await both(web('next'))).toEqual(['unchanged', 'updated']);
  now.mockReturnValue(9_999);
  expect(await old.apply(web('next'))).toBe('unchanged');
  now.mockReturnValue(10_000);
  expect(await old.apply(web('next'))).toBe('updated');
  expect(old.proxy.given?.own?.old).toBeUndefined();
  const other = createTwo({ old: ['web'] });
  expect(await other.both(web('old'))).toEqual(['updated', 'updated']);
});

test('a service that is gone, and one that was never here, are as the snapshot has them', async () => {
  const { old, next, both } = createTwo();
  await both(web('old'));
  await old.driver.apply(new Map(), new AbortController().signal);
  expect(old.proxy.given).toBeUndefined();
  const service = web('old');
  await next.apply(service);
  expect(next.proxy.given).toBe(service);
});

test('what its own proxy cannot watch is its own failure', async () => {
  const handOver = createHandOver(silentLog);
  const driver = handOver.wrap({
    name: 'broken',
    // biome-ignore lint/correctness/useYield: it fails before
    wakes: async function* () {
      throw new Error('a defect');
    },
  } as unknown as ConfigurableDriver<unknown>);
  const wakes = driver.wakes(new AbortController().signal)[Symbol.asyncIterator]();
  await expect(wakes.next()).rejects.toThrow('a defect');
});
