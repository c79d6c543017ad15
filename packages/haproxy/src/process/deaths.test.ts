import { expect, test } from 'vitest';

import { placesOf } from './deaths.ts';

test.each([
  [[], 10],
  [['daemon', 'maxconn 4'], 10],
  [['stats maxconn 2'], 2],
  [[' stats  maxconn 20', 'stats maxconn 3 '], 3],
])('HAProxy with %j takes %i clients of its stats sockets', (global, places) => {
  expect(placesOf(global)).toBe(places);
});
