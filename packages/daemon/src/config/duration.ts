import { z } from 'zod';

const units: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};
const pattern = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)?$/;

/** Milliseconds of a duration as users write it: a number of seconds, or text such as `500ms`, `2s`, `1m`; undefined when it is none. */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number')
    return Number.isFinite(value) && value >= 0 ? value * 1000 : undefined;
  if (typeof value !== 'string') return undefined;
  const [, digits, unit = 's'] = pattern.exec(value.trim()) ?? [];
  return digits === undefined ? undefined : Number(digits) * (units[unit] ?? 1000);
}

/** A configured duration: seconds as a number, or text with a unit; milliseconds once parsed. */
export const duration = z
  .union([z.number(), z.string()])
  .transform((value, context) => {
    const milliseconds = parseDuration(value);
    if (milliseconds !== undefined) return milliseconds;
    context.issues.push({ code: 'custom', message: durationExpected, input: value });
    return z.NEVER;
  })
  .meta({
    unit: 'seconds',
    written: {
      type: ['number', 'string'],
      minimum: 0,
      pattern: String.raw`^\s*${pattern.source.slice(1, -1)}\s*$`,
    },
  });

/** What a refused duration should have been. */
export const durationExpected = 'expected a number of seconds';
