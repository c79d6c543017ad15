import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type Copy, startCopy } from '../support/copies.ts';
import type { Daemon } from '../support/daemon.ts';
import { freePort } from '../support/ports.ts';
import { startTraffic } from '../support/traffic.ts';
import { until } from '../support/until.ts';
import { open, picture, startBrowser } from './browser.ts';
import { background, colours, focused, isHacked, openAll, width } from './in-page.ts';
import { checked, createScene, type Scene } from './scene.ts';

/** Text that would run if anything took it for HTML. */
const hostile = '<img src=x onerror=hacked=1>';
const hostileName = '<img>hacked';
const phone = { viewport: { width: 360, height: 740 }, hasTouch: true };

let browser: Browser;
let scene: Scene;
let copies: readonly Copy[];
let nerve: Daemon;
let ended: AbortController;

const synapseServices = {
  web: {},
  empty: {},
  broken: { haproxy: { backend: ['no such keyword'] } },
};

beforeAll(async () => {
  browser = await startBrowser();
  scene = await createScene();
  copies = [await startCopy('web-1'), await startCopy('web-2')];
  const services = Object.fromEntries(copies.map(({ name, port }) => [name, checked('web', port)]));
  nerve = await scene.nerve(
    {
      ...services,
      [`cart${hostile}`]: checked('cart', await freePort()),
    },
    hostileName,
  );
  await scene.synapse(synapseServices);
  ended = new AbortController();
  await until(async () => (await fetch(`${scene.pages.synapse}/ready`)).ok);
  await until(async () => (await fetch(`http://127.0.0.1:${scene.portOf('web')}/`)).ok);
});
afterAll(async () => {
  ended.abort();
  await browser.close();
  await scene[Symbol.asyncDispose]();
  for (const copy of copies) await copy[Symbol.asyncDispose]();
});

const card = (page: Page, name: string) =>
  page.locator('details.service').filter({ has: page.locator('.name', { hasText: name }) });
/** The state that a service's card says. */
const state = (page: Page, name: string, text: string) =>
  card(page, name).locator('.verdict .badge').getByText(text, { exact: true });
const openCard = (page: Page, name: string) =>
  card(page, name).evaluate((node) => node.setAttribute('open', ''));

test('synapse’s page shows services, members and what is wrong, without a complaint', async () => {
  await using seen = await open(browser, scene.pages.synapse);
  const { page, complaints } = seen;
  await page.getByText('2 of 2 up').waitFor();
  expect(await page.title()).toContain('synapse');
  const notices = await page.locator('#notices li').allInnerTexts();
  expect(notices.join('\n')).toMatch(/Quarantined\s+broken[\s\S]*no such keyword/);
  expect(notices.join('\n')).toMatch(/No members\s+empty/);
  await openCard(page, 'web');
  await card(page, 'web').locator('tbody time').nth(1).waitFor();
  const rows = await card(page, 'web').locator('tbody tr').allInnerTexts();
  expect(rows).toHaveLength(2);
  expect(rows[0]).toMatch(/^up\s+127\.0\.0\.1:\d+.*file\s+\d+ s/s);
  const events = await page.locator('#events li').allInnerTexts();
  expect(events.join('\n')).toMatch(/refused\s+broken/);
  expect(events.join('\n')).toMatch(/started/);
  await picture(page, 'synapse');
  expect(complaints).toEqual([]);
});

test('nerve’s page shows services and checks, and why one is down', async () => {
  await using seen = await open(browser, scene.pages.nerve);
  const { page, complaints } = seen;
  await state(page, 'web-1', 'up, announced').waitFor();
  expect(await textOf(page.locator('#notices'))).toMatch(/Down[\s\S]*refused/);
  expect(await textOf(page.locator('#events'))).toMatch(/announced\s+web-1/);
  await picture(page, 'nerve');
  expect(complaints).toEqual([]);
});

test('a change is shown within a second, on both pages', async () => {
  await using nervePage = await open(browser, scene.pages.nerve);
  await using synapsePage = await open(browser, scene.pages.synapse);
  const [, copy] = copies;
  await state(synapsePage.page, 'web', '2 of 2 up').waitFor();
  for (const isHealthy of [false, true]) {
    const before = nerve.log.length;
    copy?.healthy(isHealthy);
    const what = isHealthy ? 'service is up' : 'service is down';
    await until(() => nerve.log.slice(before).some(({ msg }) => msg === what));
    await state(nervePage.page, 'web-2', isHealthy ? 'up, announced' : 'down').waitFor({
      timeout: 1000,
    });

    const members = isHealthy ? 2 : 1;
    await until(async () => (await membersOf('web')) === members);
    await state(synapsePage.page, 'web', `${members} of ${members} up`).waitFor({ timeout: 1000 });
    const kind = isHealthy ? 'joined' : 'left';
    await synapsePage.page.locator('#events li').first().getByText(kind).waitFor({ timeout: 1000 });
  }
});

test('traffic is plotted, with what its percentiles are of', async () => {
  await using seen = await open(browser, scene.pages.synapse);
  const { page } = seen;
  const traffic = startTraffic(scene.portOf('web'), 40, ended.signal);
  await openCard(page, 'web');
  const requests = card(page, 'web').locator('figure').first();
  await until(async () => {
    const text = await textOf(requests.locator('.value'));
    return Number.parseFloat(text) > 20 && Number.parseFloat(text) < 80;
  });
  expect(await requests.locator('svg').getAttribute('aria-label')).toMatch(
    /^Requests, last 1 min: now \d+\/s, highest \d+\/s$/,
  );
  await until(async () => (await requests.locator('.line').getAttribute('d'))?.includes('L'));
  const times = card(page, 'web').locator('figure').nth(2);
  expect(await textOf(times)).toContain('of this average, not of requests');
  await picture(page, 'synapse-traffic');
  ended.abort();
  await traffic.done;
});

test('text that others chose is shown as it is, and does nothing', async () => {
  for (const [address, text] of [
    [scene.pages.nerve, hostile],
    [scene.pages.synapse, hostileName],
  ] as const) {
    await using seen = await open(browser, address);
    const { page, complaints } = seen;
    await page.evaluate(openAll);
    await page.getByText(text).first().waitFor();
    expect(await page.locator('img, script:not([src])').count()).toBe(0);
    expect(await page.evaluate(isHacked)).toBe(false);
    expect(complaints).toEqual([]);
  }
});

test('even what got into the document would not run', async () => {
  await using seen = await open(browser, scene.pages.synapse);
  const { page, complaints } = seen;
  await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '${hostile}')`);
  await until(() => complaints.some((text) => /Content Security Policy/i.test(text)));
  expect(await page.evaluate(isHacked)).toBe(false);
});

describe.for(['synapse', 'nerve'] as const)('%s’s page', (daemon) => {
  test.for([320, 360, 768, 1280])('%d pixels wide, does not scroll sideways', async (wanted) => {
    await using seen = await open(browser, scene.pages[daemon], {
      ...phone,
      viewport: { width: wanted, height: 740 },
    });
    const { page } = seen;
    await page.evaluate(openAll);
    await page.locator('details[open] .inside').first().waitFor();
    await picture(page, `${daemon}-${wanted}`);
    expect(await page.evaluate(width)).toBe(wanted);
  });

  test.for(['dark', 'light'] as const)(
    'is %s where that is wanted, and readable',
    async (colorScheme) => {
      await using seen = await open(browser, scene.pages[daemon], { colorScheme });
      const { page } = seen;
      await card(page, daemon === 'nerve' ? 'web-1' : 'web').waitFor();
      await picture(page, `${daemon}-${colorScheme}`);
      const colour = await page.evaluate<string>(background);
      if (colorScheme === 'dark') expect(luminance(colour)).toBeLessThan(0.05);
      else expect(luminance(colour)).toBeGreaterThan(0.8);
      // WCAG 2.2's AA: https://www.w3.org/TR/WCAG22/#contrast-minimum.
      for (const [text, contrast] of await contrasts(page))
        expect([text, contrast > 4.5]).toEqual([text, true]);
    },
  );
});

test('it can be used by keyboard', async () => {
  await using seen = await open(browser, scene.pages.nerve);
  const { page } = seen;
  await card(page, 'web-1').waitFor();
  const summary = card(page, 'web-1').locator('summary');
  await summary.focus();
  const before = await card(page, 'web-1').getAttribute('open');
  await page.keyboard.press('Enter');
  expect(await card(page, 'web-1').getAttribute('open')).not.toBe(before);
  await page.locator('#notices button').first().focus();
  await page.keyboard.press('Enter');
  expect(await page.evaluate(focused)).toBe('SUMMARY');
});

test('where the stream does not come through, it asks once a second', async () => {
  await using seen = await open(browser, scene.pages.nerve, {
    prepare: async (page) => {
      await page.route('**/page/stream', (route) => route.abort());
    },
  });
  const { page } = seen;
  await page.getByText('live, asked once a second').waitFor();
  copies[0]?.healthy(false);
  await state(page, 'web-1', 'down').waitFor();
  copies[0]?.healthy(true);
  await state(page, 'web-1', 'up, announced').waitFor();
});

test('a lost connection is said, and a daemon that is back is shown anew', async () => {
  const other = await createScene();
  const first = await other.synapse({ web: {} });
  await until(async () => (await fetch(`${other.pages.synapse}/ready`)).ok);
  await using seen = await open(browser, other.pages.synapse);
  const { page } = seen;
  await page.getByText('live', { exact: true }).waitFor();
  await first[Symbol.asyncDispose]();
  await page.getByText('no connection: what you see may be old').waitFor();
  await other.synapse({ web: {}, api: {} });
  await card(page, 'api').waitFor();
  await page.getByText('live', { exact: true }).waitFor();
  await other[Symbol.asyncDispose]();
});

const textOf = async (locator: Locator) => (await locator.allInnerTexts()).join('\n');

async function membersOf(service: string): Promise<number> {
  const { services } = (await (await fetch(`${scene.pages.synapse}/status`)).json()) as {
    services: Record<string, { members: readonly unknown[] }>;
  };
  return services[service]?.members.length ?? 0;
}

/** Every short text on the page with its contrast to what is behind it. */
async function contrasts(page: Page): Promise<readonly (readonly [string, number])[]> {
  const found = await page.evaluate<readonly (readonly string[])[]>(colours);
  return found.map(([text = '', colour = '', behind = '']) => {
    const [one, other] = [luminance(colour), luminance(behind)];
    return [
      `${text} ${colour} ${behind}`,
      (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05),
    ];
  });
}

/** https://www.w3.org/TR/WCAG22/#dfn-relative-luminance. */
function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = (color.match(/[\d.]+/g) ?? []).map((text) => {
    const value = Number(text) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
