import { duration, wholeNumber } from '@smartstack/daemon';
import { z } from 'zod';

import { span } from '../checks/check.ts';

/** `flap_damping`: flapping services are held down with a growing delay; false for never. */
export const flapDamping = z.union([
  z.literal(false),
  z
    .strictObject({
      changes: wholeNumber(1, 10_000)
        .default(10)
        .meta({
          description: 'more than so many changes within `window` are flapping',
          examples: [4],
        }),
      window: span.prefault(60).meta({
        description: 'the time within which changes are counted',
        examples: ['2m'],
      }),
      hold: span.prefault(5).meta({
        description: 'how long coming up is held back then, each time twice as long',
        examples: ['10s'],
      }),
      max_hold: span.prefault(300).meta({
        description: 'and no longer than this',
        examples: ['10m'],
      }),
    })
    .transform(({ max_hold: maxHold, ...limits }) => ({ ...limits, maxHold })),
]);

/** `rate_limiting`, as in the originals, but it limits announcements only: withdrawing is never delayed. */
export const rateLimiting = z
  .strictObject({
    shadow_mode: z.boolean().default(true).meta({
      description: 'only counts and logs what would have been delayed',
    }),
    average_rate: z
      .number()
      .min(0)
      .default(Number.POSITIVE_INFINITY)
      .meta({
        description: 'announcements a second',
        otherwise: 'unlimited',
        examples: [1],
      }),
    max_burst: z
      .number()
      .min(1)
      .default(Number.POSITIVE_INFINITY)
      .meta({
        description: 'announcements at once',
        otherwise: 'unlimited',
        examples: [10],
      }),
  })
  .transform((keys) => ({
    shadow: keys.shadow_mode,
    averageRate: keys.average_rate,
    maxBurst: keys.max_burst,
  }));

/** The limits where `flap_damping` is not given. */
export const defaultDamping = flapDamping.parse({});

/** The policy keys of the top level, for all services that lack them. */
export const topPolicyKeys = {
  flap_damping: flapDamping.optional().meta({
    description:
      'holds a flapping service back: coming up is delayed, leaving never is. `false`: never. Also per service',
    otherwise: 'on, as below',
    examples: [false],
  }),
  start_grace: duration.optional().meta({
    description: "for how long after nerve's start failures do not count",
    default: 0,
    examples: ['30s'],
  }),
};

/** The policy keys of one service. */
export const servicePolicyKeys = {
  flap_damping: flapDamping.optional().meta({
    description: 'as at the top level, for this service',
    otherwise: "the top level's",
    examples: [false],
    leaf: true,
  }),
  start_grace: duration.optional().meta({
    description: "for how long after nerve's start failures do not count",
    otherwise: "the top level's",
    examples: ['30s'],
  }),
  rate_limiting: rateLimiting.optional().meta({
    description: 'limits how often it is announced; leaving is never limited',
    otherwise: 'unlimited',
    examples: [{ shadow_mode: false, average_rate: 1, max_burst: 10 }],
  }),
};
