import { setTimeout as sleep } from 'node:timers/promises';

import { expect, test } from 'vitest';

import { ask, late, serviceOf, startMember, startWorld, status } from '../policy/world.fixture.ts';
import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { open, picture, startBrowser } from './browser.ts';

test('of a service with a policy the page plots percentiles, by route too, and shows who is ejected', async () => {
  await using well = await startMember('well');
  await using sick = await startMember('sick');
  const [port, plain] = [await freePort(), await freePort()];
  const policy = {
    outlier_ejection: { errors: 3, eject_for: '40s' },
    retries: { attempts: 0 },
    routes: [{ name: 'slow', match: { path_prefix: '/slow' } }],
  };
  await using world = await startWorld({
    web: serviceOf(port, [well, sick], policy),
    plain: {
      discovery: { method: 'base' },
      default_servers: [well.entry],
      haproxy: { port: plain, listen: ['mode http'] },
    },
  });
  well.behave((request, response) =>
    late(request.url?.startsWith('/slow') ? 150 : 0)(request, response),
  );
  sick.behave(status(500));
  for (let i = 0; i < 8; i++) await ask(port);
  await using browser = await startBrowser();
  await using seen = await open(browser, `http://127.0.0.1:${world.status}`);
  const { page } = seen;
  const card = (name: string) =>
    page.locator('details.service').filter({ has: page.locator('.name', { hasText: name }) });
  const figures = (name: string) => card(name).locator('figure').allInnerTexts();
  const ended = new AbortController();
  const traffic = (async () => {
    while (!ended.signal.aborted) {
      await Promise.all([ask(port), ask(port), ask(port, '/slow'), ask(plain)]);
      await sleep(20);
    }
  })();
  await card('web').evaluate((node) => node.setAttribute('open', ''));
  await card('plain').evaluate((node) => node.setAttribute('open', ''));
  await until(async () => {
    const [, , p50 = '', , p99 = ''] = await figures('web');
    expect(p50).toMatch(/^p50[\s\S]* \d+(\.\d)? ms/);
    expect(Number(/(\d+) ms/.exec(p99)?.[1])).toBeGreaterThan(100);
    return true;
  });
  expect(await figures('plain')).toHaveLength(4);
  expect((await figures('plain'))[2]).toContain('of this average, not of requests');
  const facts = (await card('web').locator('dl.facts').allInnerTexts()).join();
  expect(facts).toMatch(
    /route slow\s+\d+(\.\d)?\/s, 0\/s errors; p50 \d+ ms, p95 \d+ ms, p99 \d+ ms/i,
  );
  const [row] = await card('web').locator('tbody tr').allInnerTexts();
  expect(row).toMatch(/^ejected[\s\S]*Detected 3 consecutive errors.*; back at \d\d:\d\d:\d\d$/);
  expect(row).toContain(`:${sick.port}`);
  const notices = (await page.locator('#notices li').allInnerTexts()).join();
  expect(notices).toMatch(/Member ejected\s+web[\s\S]*gets no requests for now: Detected 3/);
  expect(seen.complaints).toEqual([]);
  await picture(page, 'synapse-signals');
  ended.abort();
  await traffic;
});
