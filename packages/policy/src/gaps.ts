import type { PolicyProblem } from './check/problem.ts';
import { wordsOf } from './check/words-of.ts';
import type { Policy } from './words/policy.ts';

/** A word that a proxy cannot do, and what to do instead. */
export interface Gap {
  /** Without indexes, such as `routes.mirror`. */
  readonly word: string;
  readonly why: string;
}

/** What one proxy cannot do; a word that is not in its list is done. */
export interface Gaps {
  readonly proxy: string;
  readonly gaps: readonly Gap[];
}

/** What a proxy cannot do of a policy, with the place of each word, and which of `all` can. */
export function unsupported(
  policy: Policy,
  { proxy, gaps }: Gaps,
  all: readonly Gaps[],
): readonly PolicyProblem[] {
  return wordsOf(policy).flatMap(({ word, path }) => {
    const gap = gaps.find((one) => one.word === word);
    return gap
      ? [{ path, message: `${proxy} cannot do this: ${gap.why}; ${fixFor(word, all)}` }]
      : [];
  });
}

function fixFor(word: string, all: readonly Gaps[]): string {
  const able = all.filter(({ gaps }) => !gaps.some((gap) => gap.word === word));
  if (able.length > 0) return `these can: ${able.map(({ proxy }) => proxy).join(', ')}`;
  return 'no proxy that synapse runs can: leave it out, or set policy_unsupported: warn';
}
