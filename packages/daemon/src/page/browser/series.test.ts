import { expect, test } from 'vitest';

import {
  highest,
  nearest,
  pathsOf,
  percentile,
  roundedUp,
  type Series,
  seriesOf,
  stretchOf,
} from './series.ts';

const series = (...values: (number | null)[]): Series =>
  values.map((value, index) => [index * 1000, value]);

test('percentiles are by nearest rank, and of what there is', () => {
  const hundred = series(...Array.from({ length: 100 }, (_, index) => index + 1));
  expect(percentile(hundred, 0.5)).toBe(50);
  expect(percentile(hundred, 0.95)).toBe(95);
  expect(percentile(series(null, 7, null), 0.95)).toBe(7);
  expect(percentile(series(null), 0.5)).toBe(undefined);
  expect(highest(series(1, 9, null, 3))).toBe(9);
});

test('a service’s series is picked out of the samples', () => {
  const samples = [
    { at: 1, values: { web: [5, 6] } },
    { at: 2, values: { api: [1, 1] } },
  ];
  expect(seriesOf(samples, 'web', 1)).toEqual([
    [1, 6],
    [2, null],
  ]);
});

test.each([
  [0, 1],
  [1, 1],
  [1.5, 2],
  [2.1, 5],
  [51, 100],
  [100, 100],
  [101, 200],
])('the top of a plot of %d is %d', (value, top) => {
  expect(roundedUp(value)).toBe(top);
});

test('a line is not drawn over what was not measured', () => {
  const frame = { width: 100, height: 10, top: 10, from: 0, to: 10_000 };
  expect(pathsOf(series(10, 0, null, 5), frame)).toEqual({
    line: 'M0 0L10 10M30 5',
    area: 'M0 10L0 0L10 10L10 10ZM30 10L30 5L30 10Z',
  });
  const apart: Series = [
    [0, 10],
    [9000, 10],
  ];
  expect(pathsOf(apart, frame).line).toBe('M0 0M90 0');
});

test('the stretch grows with what there is, between one minute and five', () => {
  expect(stretchOf([], 9)).toBe(60_000);
  expect(stretchOf([[0, 1]], 100_000)).toBe(100_000);
  expect(stretchOf([[0, 1]], 900_000)).toBe(300_000);
});

test('the nearest sample is found', () => {
  expect(nearest(series(1, 2, 3), 1400)).toEqual([1000, 2]);
  expect(nearest([], 5)).toBe(undefined);
});
