import type { Instance } from '@smartstack/registry';
import { describe, expect, test } from 'vitest';

import { loadText } from '../config/policy.fixture.ts';
import { createTrace } from '../discovery/trace.ts';
import { compare, comparisonText } from './compare.ts';

const a: Instance = { host: '10.0.0.1', port: 80, name: 'a', id: 'a_1' };
const b: Instance = {
  host: '10.0.0.2',
  port: 80,
  name: 'b',
  weight: 3,
  labels: { x: '1', y: '2' },
};

async function compared(
  lists: Readonly<Record<string, readonly Instance[]>>,
  troubles: Readonly<Record<string, string>> = {},
) {
  const { config } = await loadText(
    'services: {web: {discovery: {method: multi, resolver: {method: union}, watchers: {old: {method: base}, new: {method: base}}}, haproxy: {port: 1}}}',
  );
  if (!config.services.web) throw new Error('no service');
  const trace = createTrace();
  for (const [name, list] of Object.entries(lists)) trace.found(name, list);
  for (const [part, reason] of Object.entries(troubles)) trace.note(reason, part);
  return compare('web', config.services.web, trace);
}

test('registries with the same members are equal, whatever their records are called', async () => {
  const all = await compared({
    old: [a, b],
    new: [
      { ...b, labels: { y: '2', x: '1' } },
      { ...a, id: 'z' },
    ],
  });
  expect(all).toMatchObject({ equal: true, lone: [], differences: [] });
  expect(all && comparisonText(all)).toBe(
    `web: the registries have the same members

WATCHER  METHOD  MEMBERS
old      base    2
new      base    2
`,
  );
});

test('members of one registry alone and what they say differently are named', async () => {
  const all = await compared({
    old: [a, b],
    new: [
      { ...b, weight: 5, labels: {} },
      { ...a, host: '10.0.0.3', name: 'c' },
    ],
  });
  expect(all?.equal).toBe(false);
  expect(all && comparisonText(all)).toBe(
    `web: 2 members are not in every registry
web: the registries say different things of 1 of its members

WATCHER  METHOD  MEMBERS
old      base    2
new      base    2

ADDRESS      NAME  IN   NOT IN
10.0.0.1:80  a     old  new
10.0.0.3:80  c     new  old

ADDRESS      FIELD   WHAT EACH SAYS
10.0.0.2:80  weight  old: 3; new: 5
10.0.0.2:80  labels  old: {"x":"1","y":"2"}; new: none
`,
  );
});

test('a registry without an answer is not one without members', async () => {
  const all = await compared({ old: [a] });
  expect(all).toMatchObject({ lone: [], watchers: [{ members: 1 }, { members: null }] });
  expect(all).not.toHaveProperty('equal');
  expect(all && comparisonText(all)).toContain('web: not known: no answer from new yet\n');
});

test.each(['watcher new', 'watcher new, dc1'])(
  'a registry that does not answer now proves nothing: %s',
  async (part) => {
    const all = await compared({ old: [a], new: [a] }, { [part]: 'no\u001b answer' });
    expect(all).toMatchObject({ watchers: [{ name: 'old' }, { trouble: 'no\u001b answer' }] });
    expect(all).not.toHaveProperty('equal');
    expect(all && comparisonText(all)).toContain(
      'web: not known: new does not answer now, and what it had last is compared: no\ufffd answer\n',
    );
    expect(await compared({ old: [a], new: [a] }, { 'watcher newer': 'x' })).toMatchObject({
      equal: true,
    });
  },
);

describe('a discovery of one registry', () => {
  test('is compared with nothing', async () => {
    const { config } = await loadText(
      'services: {web: {discovery: {method: base}, haproxy: {port: 1}}}',
    );
    expect(config.services.web && compare('web', config.services.web, undefined)).toBeUndefined();
  });
});
