import { latencyEnds } from '@smartstack/proxy';
import { expect, test } from 'vitest';

import { quantile } from './quantile.ts';

/** Buckets with so many answers in those that end there. */
const buckets = (counts: Readonly<Record<string, number>>) =>
  [...latencyEnds, Infinity].map((end) => counts[String(end)] ?? 0);

test.each([
  ['half of a bucket is its middle', { 10: 100 }, 0.5, 7.5],
  ['the first bucket begins at 0', { 1: 10 }, 0.5, 0.5],
  ['nine in ten are fast', { 1: 90, 1000: 10 }, 0.9, 1],
  ['and the slow ones are seen behind', { 1: 90, 1000: 10 }, 0.95, 750],
  ['what has no end is at its begin', { Infinity: 3 }, 0.5, 10_000],
  ['without answers there is none', {}, 0.5, null],
] as const)('%s', (_, counts, share, expected) => {
  expect(quantile(buckets(counts), share)).toBe(expected);
});
