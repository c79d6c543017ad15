import { describe, expect, test } from 'vitest';

import { type Health, judge, stateOf } from './health.ts';

/** What a check shows after each result, `+` passed and `-` failed: U for up, D for down. */
function shown(results: string, rise: number, fall: number): string {
  let health: Health | undefined;
  return [...results]
    .map((result) => {
      health = judge(health, result === '+', { rise, fall });
      return health.up ? 'U' : 'D';
    })
    .join('');
}

describe('judge', () => {
  test.each([
    ['every result decides with rise 1 and fall 1', 1, 1, '+-+--++', 'UDUDDUU'],
    ['the first pass decides at once, whatever the rise', 3, 1, '+', 'U'],
    ['the first failure decides at once, whatever the fall', 1, 3, '-', 'D'],
    ['up is left after fall failures in a row', 1, 3, '+---', 'UUUD'],
    ['a pass between starts the failures anew', 1, 3, '+--+--+---', 'UUUUUUUUUD'],
    ['down is left after rise passes in a row', 3, 1, '-+++', 'DDDU'],
    ['a failure between starts the passes anew', 3, 1, '-++-++-+++', 'DDDDDDDDDU'],
    ['the limits apply again after each change', 2, 2, '+--++--', 'UUDDUUD'],
    ['results that agree change nothing', 2, 2, '++++', 'UUUU'],
  ])('%s', (_, rise, fall, results, expected) => {
    expect(shown(results, rise, fall)).toBe(expected);
  });

  test('gives back the same object while nothing changes', () => {
    const limits = { rise: 2, fall: 2 };
    const health = judge(undefined, true, limits);
    expect(judge(health, true, limits)).toBe(health);
  });
});

describe('a service is', () => {
  const up = { up: true, against: 0 };
  const down = { up: false, against: 0 };
  test.each([
    ['up when all of its checks are', [up, up], 'up'],
    ['down when one of its checks is', [up, down], 'down'],
    ['down when one is, though others have no result yet', [undefined, down], 'down'],
    ['undecided while some have no result yet', [up, undefined], undefined],
    ['up when it has no checks', [], 'up'],
  ])('%s', (_, checks, expected) => {
    expect(stateOf(checks)).toBe(expected);
  });
});
