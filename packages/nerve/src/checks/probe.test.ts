import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';
import type { Check } from './check.ts';
import { fullServer } from './full-server.fixture.ts';
import { createProbe } from './probe.ts';
import { createCheck } from './table.ts';
import { createTtlReports } from './ttl-reports.ts';

const forever = new AbortController().signal;
const named = (run: Check['run']): Check => ({ name: 'test', run });
const hanging = named(async (signal) => {
  if (!signal.aborted) await once(signal, 'abort');
  throw signal.reason;
});

test('a check that resolves passed', async () => {
  expect(
    await createProbe(
      named(async () => {}),
      100,
      forever,
    )(),
  ).toMatchObject({ passed: true });
});

test('a check that rejects failed for that reason', async () => {
  const check = named(() => Promise.reject(new Error('status 503')));
  const failed = { passed: false, reason: 'status 503' };
  expect(await createProbe(check, 100, forever)()).toMatchObject(failed);
});

test('a check that throws failed as well', async () => {
  const check = named(() => {
    throw new Error('broken');
  });
  expect(await createProbe(check, 100, forever)()).toMatchObject({
    passed: false,
    reason: 'broken',
  });
});

test('a run is cut short at its deadline, and the next one has the whole time again', async () => {
  const probe = createProbe(hanging, 60, forever);
  for (const _ of [1, 2]) {
    const start = performance.now();
    expect(await probe()).toMatchObject({ passed: false, reason: 'no answer within 60 ms' });
    expect(performance.now() - start).toBeGreaterThan(55);
  }
});

test('an abort cuts a run short, and those after it', async () => {
  const stop = new AbortController();
  const probe = createProbe(hanging, 60_000, stop.signal);
  const running = probe();
  stop.abort(new Error('stopped'));
  expect((await running).reason).toBe('stopped');
  expect((await probe()).reason).toBe('stopped');
});

test('an answer that came while this process was held up counts', async () => {
  const check = named(async () => {
    // Stands for an answer that the kernel has: it is there in the turn after the stall.
    await sleep(20);
    await new Promise((resolve) => setImmediate(resolve));
  });
  const running = createProbe(check, 50, forever)();
  const until = performance.now() + 200;
  while (performance.now() < until);
  expect(await running).toMatchObject({ passed: true });
});

test('a server that does not answer fails though this process was held up', async () => {
  await using server = await fullServer();
  const config = { type: 'tcp', timeout: 50, rise: 1, fall: 1 } as const;
  const running = createProbe(
    await createCheck(config, {
      service: 'web',
      directory: '/',
      ttlReports: createTtlReports(),
      ...server,
    }),
    50,
    forever,
  )();
  const until = performance.now() + 200;
  while (performance.now() < until);
  expect((await running).reason).toMatch(/: no answer within 50 ms$/);
});
