import { mkdir, readdir } from 'node:fs/promises';

import { execa } from 'execa';
import { expect, test } from 'vitest';

import { createScratch } from '../support/scratch.ts';

test('canary-by-route: each version has its share, testers have the new one, and nothing is reloaded', async () => {
  const said = await runExample('canary-by-route');
  expect(said('100 requests with x-canary: true')).toEqual({ 'web-3': 100 });
  for (const share of [0, 5, 25, 75, 100]) {
    const counts = said(`1000 requests, ${share} of 100 to v2`);
    expect(sumOf(counts)).toBe(1000);
    // Four times the standard deviation: one run in 16,000 is further off.
    const off = 4 * Math.sqrt(10 * share * (1 - share / 100));
    expect(Math.abs((counts['web-3'] ?? 0) - 10 * share)).toBeLessThanOrEqual(off);
  }
  expect(said.text).toContain('HAProxy was not reloaded');
});

test('flaky-dependency: retries hide what one member fails, and their budget bounds what all fail', async () => {
  const said = await runExample('flaky-dependency');
  expect(said('  without-retries, 300 requests')).toMatchObject({ 503: 50, 'at members': 300 });
  expect(said('  payments, 300 requests')).toMatchObject({ 200: 300 });
  expect(said('  without-retries, 600 requests')).toMatchObject({ 503: 600, 'at members': 600 });
  const { 'at members': load = 0, 503: failed } = said('  payments, 600 requests');
  expect(failed).toBe(600);
  expect(load).toBeGreaterThan(600);
  expect(load).toBeLessThanOrEqual(720);
  expect(said('  without-budget, 600 requests')).toMatchObject({ 503: 600, 'at members': 1800 });
});

test('blue-green: after the switch all requests are green, and none is lost', async () => {
  const said = await runExample('blue-green');
  expect(said('200 requests')).toEqual({ 'blue-1': 100, 'blue-2': 100 });
  expect(said('20 requests with x-color: green')).toEqual({ 'green-1': 10, 'green-2': 10 });
  const green = said('200 requests after the switch');
  expect((green['green-1'] ?? 0) + (green['green-2'] ?? 0)).toBe(200);
  const under = said('reports that were under way');
  expect((under['blue-1'] ?? 0) + (under['blue-2'] ?? 0)).toBe(2);
  const blue = said('200 requests after the switch back');
  expect((blue['blue-1'] ?? 0) + (blue['blue-2'] ?? 0)).toBe(200);
  expect(Object.keys(said('other requests meanwhile, by status'))).toEqual(['200']);
  expect(said.text).toContain('HAProxy was not reloaded');
});

test('game-day: faults come to their share of the requests, and go', async () => {
  const said = await runExample('game-day');
  const fine = { answered: 400, failed: 0 };
  expect(said('before, 400 requests')).toMatchObject(fine);
  const { late = 0, ...rest } = said('25% wait 200 ms, 400 requests');
  expect(rest).toEqual(fine);
  expect(late).toBeGreaterThan(60);
  expect(late).toBeLessThan(140);
  const { answered = 0, failed = 0 } = said('10% are answered with 503, 400 requests');
  expect(answered + failed).toBe(400);
  expect(failed).toBeGreaterThan(15);
  expect(failed).toBeLessThan(65);
  expect(said('other paths meanwhile, 400 requests')).toMatchObject(fine);
  expect(said('after, 400 requests')).toMatchObject(fine);
  expect(said.text).toContain('HAProxy was not reloaded');
});

test('rate-limits: each client has its own, and a change counts at once', async () => {
  const said = await runExample('rate-limits');
  expect(said('batch sends 50 requests')).toEqual({ 200: 20, 429: 30 });
  expect(said('shop sends 15 meanwhile')).toEqual({ 200: 15 });
  expect(said('clients without a name send 30 together')).toEqual({ 200: 20, 429: 10 });
  expect(said('the limit is 40 now, and batch sends 50 more')).toEqual({ 200: 20, 429: 30 });
  expect(said.text).toContain('batch is told to try again after 30 s');
  expect(said.text).toContain('HAProxy was not reloaded');
});

test('an example that is interrupted leaves nothing', async () => {
  await using scratch = await createScratch();
  const temporary = scratch.path('tmp');
  await mkdir(temporary);
  const child = execa('bash', ['scripts/example.sh', 'game-day'], {
    all: true,
    reject: false,
    env: { TMPDIR: temporary },
    forceKillAfterDelay: 30_000,
  });
  for await (const line of child.iterable()) if (line.startsWith('before')) child.kill('SIGTERM');
  const { exitCode, all } = await child;
  expect(all).toContain('interrupted by SIGTERM');
  expect(exitCode).toBe(1);
  expect(await readdir(temporary)).toEqual([]);
});

test('an example that is not there is named with those that are', async () => {
  const { exitCode, all } = await execa('bash', ['scripts/example.sh', 'nothing'], {
    all: true,
    reject: false,
  });
  expect(exitCode).toBe(2);
  expect(all).toContain('canary-by-route');
});

type Counts = Readonly<Record<string, number>>;

const sumOf = (counts: Counts) => Object.values(counts).reduce((sum, count) => sum + count, 0);

/** Runs an example to its end; answers what it counted, by the words before the figures. */
async function runExample(name: string) {
  await using scratch = await createScratch();
  const temporary = scratch.path('tmp');
  await mkdir(temporary);
  const { exitCode, all: text = '' } = await execa('bash', ['scripts/example.sh', name], {
    all: true,
    reject: false,
    env: { TMPDIR: temporary },
    forceKillAfterDelay: 30_000,
  });
  expect(exitCode, text).toBe(0);
  expect(await readdir(temporary)).toEqual([]);
  const said = new Map(
    text.split('\n').map((line) => {
      const at = line.lastIndexOf(': ');
      return [line.slice(0, at), countsOf(line.slice(at + 2))];
    }),
  );
  const counts = (what: string): Counts => said.get(what) ?? {};
  return Object.assign(counts, { text });
}

const countsOf = (figures: string): Counts =>
  Object.fromEntries(
    figures.split(', ').map((figure) => {
      const [, name = '', count] = /^(.+) (\d+)$/.exec(figure) ?? [];
      return [name, Number(count)];
    }),
  );
