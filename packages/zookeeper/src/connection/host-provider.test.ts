import { expect, test } from 'vitest';
import { endsWithin } from '../../../../test/support/ends-within.ts';
import { parseHost } from './address.ts';
import { createHostProvider } from './host-provider.ts';

const signal = new AbortController().signal;
const hosts = ['a:1', 'b:2', 'c:3'].map(parseHost);

test('every host has its turn before one has a second, in an order of its own', async () => {
  const provider = createHostProvider(hosts, async (host) => [{ ...host, ip: host.name }]);
  const tried: string[] = [];
  for (let n = 0; n < 6; n++) tried.push((await provider.next(40, signal)).name);
  expect(new Set(tried.slice(0, 3)).size).toBe(3);
  expect(tried.slice(3)).toEqual(tried.slice(0, 3));
});

test('a name is resolved for every attempt, and each of its addresses has its turn', async () => {
  let resolved = 0;
  let addresses = ['1.1.1.1', '2.2.2.2', '3.3.3.3'];
  const provider = createHostProvider([parseHost('zk')], async (host) => {
    resolved += 1;
    return addresses.map((ip) => ({ ...host, ip }));
  });
  const three: string[] = [];
  for (let n = 0; n < 3; n++) three.push((await provider.next(40, signal)).ip);
  expect(new Set(three)).toEqual(new Set(addresses));
  addresses = ['4.4.4.4'];
  expect((await provider.next(40, signal)).ip).toBe('4.4.4.4');
  expect(resolved).toBe(4);
});

test('the first attempt is immediate, later rounds wait longer, never beyond a quarter of the timeout', async () => {
  const provider = createHostProvider([parseHost('zk')], async (host) => [{ ...host, ip: '::1' }]);
  const waits: number[] = [];
  for (let n = 0; n < 5; n++) {
    const since = performance.now();
    await endsWithin(n === 0 ? 50 : 200, provider.next(400, signal));
    waits.push(performance.now() - since);
  }
  expect(waits[1]).toBeGreaterThan(20);
  expect(waits[4]).toBeGreaterThan(45);
  provider.reset();
  await endsWithin(100, provider.next(400, signal));
});

test('attemptTimeout shares the timeout between the hosts, and grows with the rounds without an answer', async () => {
  const provider = createHostProvider(hosts, async (host) => [{ ...host, ip: '::1' }]);
  expect(provider.attemptTimeout(9_000)).toBe(1_000);
  for (let n = 0; n < 8; n++) await provider.next(40, signal);
  expect(provider.attemptTimeout(9_000)).toBe(1_000);
  for (let n = 0; n < 3; n++) provider.timedOut();
  expect(provider.attemptTimeout(9_000)).toBe(2_000);
  expect(provider.attemptTimeout(600)).toBe(600);
  provider.reset();
  expect(provider.attemptTimeout(9_000)).toBe(1_000);
});

test('a long session timeout does not make the first attempt patient', () => {
  const provider = createHostProvider([parseHost('zk')]);
  expect(provider.attemptTimeout(60_000)).toBe(10_000 / 3);
  for (let n = 0; n < 10; n++) provider.timedOut();
  expect(provider.attemptTimeout(60_000)).toBe(60_000);
});

test('a resolver that hangs is left for the next host, and not asked again while it hangs', async () => {
  let asked = 0;
  const provider = createHostProvider(['hung:1', 'fine:2'].map(parseHost), (host) => {
    if (host.name === 'fine') return Promise.resolve([{ ...host, ip: '::1' }]);
    asked += 1;
    return new Promise(() => {});
  });
  const outcomes: string[] = [];
  for (let n = 0; n < 4; n++)
    outcomes.push(
      await provider.next(100, signal).then(
        ({ name }) => name,
        ({ message }) => message,
      ),
    );
  expect(outcomes.toSorted()).toEqual([
    'fine',
    'fine',
    'hung:1 was not resolved within 100 ms',
    'hung:1 was not resolved within 100 ms',
  ]);
  expect(asked).toBe(1);
});
