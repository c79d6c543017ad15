import { describe, expect, test } from 'vitest';

import { explain, type Fault, type Lost } from './ledger.ts';

const at = 1_000_000;
const killed: Fault = {
  kind: 'service killed',
  target: '10.0.0.1:80',
  from: at,
  until: at + 40,
};
const cut: Fault = { kind: 'link cut', target: '10.0.0.1', from: at, until: at + 15_000 };
const lost = (change: Partial<Lost>): Lost => ({
  path: '/',
  since: at - 10,
  until: at + 10,
  reason: 'status 502',
  client: '10.0.0.9',
  server: '10.0.0.1:80',
  ...change,
});

describe('a killed copy', () => {
  test.for([
    ['excuses what it was answering', {}, 'service killed'],
    ['excuses nothing that another copy had', { server: '10.0.0.2:80' }, undefined],
    ['excuses nothing that no copy had', { server: undefined }, undefined],
    ['excuses nothing lost before', { since: at - 900, until: at - 800 }, undefined],
    ['excuses nothing sent after it', { since: at + 900, until: at + 950 }, undefined],
  ] as const)('%s', ([, change, because]) => {
    expect(explain(lost(change), [killed])).toBe(because);
  });
});

const answerer = "the answerer's link cut";
const sender = "the sender's link cut";
const own = { client: '10.0.0.1', server: undefined };

describe('a cut link', () => {
  test.for([
    ['excuses what was on its way over it', { until: at + 5_000 }, answerer],
    [
      'excuses what was sent before checks saw it',
      { since: at + 4_000, until: at + 9_000 },
      answerer,
    ],
    ['excuses nothing sent after that', { since: at + 9_500, until: at + 14_500 }, undefined],
    ['excuses nothing between two others', { server: '10.0.0.2:80' }, undefined],
    ['excuses what its machine sent', { ...own, since: at + 14_000, until: at + 15_000 }, sender],
    ['excuses nothing its machine sent to itself', { client: '10.0.0.1' }, undefined],
    [
      'excuses nothing once the others are trusted again',
      { ...own, since: at + 22_000, until: at + 22_010 },
      undefined,
    ],
  ] as const)('%s', ([, change, because]) => {
    expect(explain(lost(change), [cut])).toBe(because);
  });
});
