import { expect, test } from 'vitest';

import { createFrontendNames, isSharedName, withSeparateNames } from './frontend-names.ts';

const titles = (...given: readonly string[]) =>
  withSeparateNames(given.map((title) => ({ title, lines: [] }))).map(({ title }) => title);

test('a frontend gets another name where a backend has its own, and where no section has that one', () => {
  expect(titles('global', 'frontend web', 'backend web', 'frontend api', 'backend other')).toEqual([
    'global',
    'frontend web.frontend',
    'backend web',
    'frontend api',
    'backend other',
  ]);
  expect(titles('frontend a', 'backend a', 'frontend a.frontend', 'backend a.frontend')).toEqual([
    'frontend a.frontend.frontend',
    'backend a',
    'frontend a.frontend.frontend.frontend',
    'backend a.frontend',
  ]);
});

test.each([
  [['2.6.12'], false],
  [['3.0.11', undefined], false],
  [['3.2.26'], true],
  [['3.3.0', '3.0.11'], true],
  [[undefined], false],
])('of %j frontends have names of their own: %s', (versions, areSeparate) => {
  const names = createFrontendNames(versions);
  expect(names.areSeparate).toBe(areSeparate);
  names.separate();
  expect(names.areSeparate).toBe(true);
});

test('HAProxy’s word for it is known', () => {
  const said = "backend 'web' has the same name as frontend 'web' declared at /run/haproxy.cfg:12.";
  expect(isSharedName(`${said} This is no longer supported as of 3.3.`)).toBe(true);
  expect(isSharedName("server 'a' has the same name as another one")).toBe(false);
});
