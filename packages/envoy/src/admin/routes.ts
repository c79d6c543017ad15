import type { MeasuredRoute } from '@smartstack/proxy';

import { type Answers, type Counted, nothing } from './counted.ts';

/**
 * What answers are counted under that Envoy gave before it asked a member: limits, faults, redirects, `respond`. Their
 * times stand here, and those of requests that no member answered: their routes count these, and Envoy does not time them.
 */
export const ownAnswers = 'envoy';

/**
 * A service's answers by route. Where there is one route it is all that the listener answered. Where there are more, each
 * has what its members answered and what failed at them; the rest that the listener answered stands by itself, so that
 * all together are what the listener answered.
 */
export function routesOf(
  { answers, routes }: Counted,
  names: readonly string[],
): readonly MeasuredRoute[] {
  const [only, ...others] = names;
  if (only === undefined) return [];
  if (others.length === 0) return [{ name: only, ...answers }];
  const counted = names.map((name) => ({ name, ...(routes.get(name) ?? nothing) }));
  const rest = restOf(answers, counted);
  const isEmpty = rest.requests === 0 && rest.buckets.every((count) => count === 0);
  return isEmpty ? counted : [...counted, { name: ownAnswers, ...rest }];
}

/** What is left of all answers; one that was counted in a route a moment before does not make it negative. */
function restOf(all: Answers, routes: readonly Answers[]): Answers {
  const left = (pick: (answers: Answers) => number) =>
    Math.max(
      0,
      routes.reduce((value, route) => value - pick(route), pick(all)),
    );
  return {
    requests: left(({ requests }) => requests),
    errors: {
      '4xx': left(({ errors }) => errors['4xx']),
      '5xx': left(({ errors }) => errors['5xx']),
    },
    buckets: restBuckets(all.buckets, routes, left(timed)),
  };
}

/** How many answers it is known of how long they took. */
const timed = ({ buckets }: Answers) => buckets.reduce((sum, count) => sum + count, 0);

/** An answer takes a little longer at the listener than at the member; so the rest is looked at up to each bucket's end. */
function restBuckets(
  all: readonly number[],
  routes: readonly Answers[],
  most: number,
): readonly number[] {
  let above = 0;
  let below = 0;
  return all.map((count, at) => {
    above += routes.reduce((value, { buckets }) => value - (buckets[at] ?? 0), count);
    const upTo = at === all.length - 1 ? most : Math.min(most, Math.max(below, above));
    const own = upTo - below;
    below = upTo;
    return own;
  });
}
