import { expect, test } from 'vitest';

import type { Discovery } from '../discovery.ts';
import { withPort } from './backend-port.ts';

const discovery: Discovery = async function* () {
  yield [
    { host: 'a', port: 1 },
    { host: 'b', port: 2, weight: 3 },
  ];
};

test('every member has the port that replaces its own', async () => {
  for await (const list of withPort(discovery, 80)(new AbortController().signal))
    expect(list).toEqual([
      { host: 'a', port: 80 },
      { host: 'b', port: 80, weight: 3 },
    ]);
});

test('without one the discovery is as it was', () => {
  expect(withPort(discovery, undefined)).toBe(discovery);
});
