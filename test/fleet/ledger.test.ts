import { describe, expect, test } from 'vitest';

import { explain, type Fault, type Lost } from './ledger.ts';

const at = 1_000_000;
const killed: Fault = {
  kind: 'service killed',
  target: '10.0.0.1:80',
  from: at,
  until: at + 3_000,
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
    ['excuses what it was answering', {}, true],
    ['excuses nothing that another copy had', { server: '10.0.0.2:80' }, false],
    ['excuses nothing that no copy had', { server: undefined }, false],
    ['excuses nothing that was lost before', { since: at - 900, until: at - 800 }, false],
    ['excuses nothing that was sent after it', { since: at + 900, until: at + 950 }, false],
  ] as const)('%s', ([, change, excused]) => {
    expect(explain(lost(change), [killed])).toBe(excused ? 'service killed' : undefined);
  });
});

describe('a cut link', () => {
  test.for([
    ['excuses what was on its way over it', { until: at + 5_000 }, true],
    [
      'excuses what was sent over it before checks saw it',
      { since: at + 4_000, until: at + 9_000 },
      true,
    ],
    [
      'excuses nothing once checks must have seen it',
      { since: at + 9_500, until: at + 14_500 },
      false,
    ],
    ['excuses nothing between two other machines', { server: '10.0.0.2:80' }, false],
    [
      'excuses what its own machine sent to others',
      { client: '10.0.0.1', server: undefined, since: at + 14_000, until: at + 15_000 },
      true,
    ],
    ['excuses nothing that its own machine sent to itself', { client: '10.0.0.1' }, false],
    [
      'excuses its machine until checks trust the others again',
      { client: '10.0.0.1', server: undefined, since: at + 22_000, until: at + 22_010 },
      false,
    ],
  ] as const)('%s', ([, change, excused]) => {
    expect(explain(lost(change), [cut])).toBe(excused ? 'link cut' : undefined);
  });
});
