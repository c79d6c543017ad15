import { expect, test } from 'vitest';

import type { Discovery } from '../discovery.ts';
import { createPortedMembers, withPort } from './backend-port.ts';

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

test('the port that the registry gives moves members, and no configured server', () => {
  const [a, spare] = [
    { host: 'a', port: 1 },
    { host: 'spare', port: 3000 },
  ];
  const members = createPortedMembers([spare]);
  expect(members.current()).toBeUndefined();
  members.list([a, spare]);
  expect(members.moveTo(80)).toBe(true);
  expect(members.current()).toEqual([{ host: 'a', port: 80 }, spare]);
  expect(members.moveTo(80)).toBe(false);
  expect(members.moveTo(undefined)).toBe(true);
  expect(members.current()).toEqual([a, spare]);
});

test('a member that a port moves is the same object in each list, and once in a list', () => {
  const a = { host: 'a', port: 1 };
  const members = createPortedMembers([]);
  members.moveTo(80);
  members.list([a]);
  const [first] = members.current() ?? [];
  members.list([{ host: 'b', port: 1 }, a, { host: 'a', port: 2 }]);
  expect(members.current()?.[1]).toBe(first);
  expect(members.current()).toHaveLength(2);
});
