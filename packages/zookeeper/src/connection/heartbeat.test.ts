import { afterEach, expect, test } from 'vitest';
import { endsWithin } from '../../../../test/support/ends-within.ts';
import { untilSilent } from './heartbeat.ts';

const ended = new AbortController();
afterEach(() => ended.abort());

test('silence is noticed after two thirds of the timeout, with pings before', async () => {
  const since = performance.now();
  let pings = 0;
  const ping = () => {
    pings += 1;
  };
  const { signal } = new AbortController();
  await endsWithin(300, untilSilent({ timeout: 300, lastInbound: () => since, ping }, signal));
  expect(performance.now() - since).toBeGreaterThanOrEqual(199);
  expect(pings).toBeGreaterThanOrEqual(1);
});

test('answers keep it going, whatever else comes in', async () => {
  let last = performance.now();
  let pings = 0;
  const ping = () => {
    pings += 1;
    last = performance.now();
  };
  const aborted = new AbortController();
  setTimeout(() => aborted.abort(), 700);
  const since = performance.now();
  await untilSilent({ timeout: 150, lastInbound: () => last, ping }, aborted.signal);
  expect(performance.now() - since).toBeGreaterThan(690);
  expect(pings).toBeGreaterThan(8);
});

test('after its own delay it asks the server before it judges', async () => {
  let last = performance.now();
  const aborted = new AbortController();
  const ping = () => {
    setTimeout(() => {
      last = performance.now();
    }, 20);
  };
  const silent = untilSilent({ timeout: 300, lastInbound: () => last, ping }, aborted.signal);
  setTimeout(() => {
    const until = performance.now() + 400;
    while (performance.now() < until);
  }, 50);
  setTimeout(() => aborted.abort(), 600);
  const since = performance.now();
  await silent;
  expect(performance.now() - since).toBeGreaterThan(590);
});
