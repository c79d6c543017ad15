import type { PolicyProblem } from './check/problem.ts';
import { wordsOf } from './check/words-of.ts';
import type { Policy } from './words/policy.ts';

/** A word that a proxy cannot do, and what to do instead. */
export interface Gap {
  /** Without indexes, such as `routes.mirror`. */
  readonly word: string;
  /** Which of its values; all where it is left out. */
  readonly value?: unknown;
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
  return wordsOf(policy).flatMap(({ word, path, value }) => {
    const isIts = (gap: Gap) => gap.word === word && concerns(gap, value);
    const gap = gaps.find(isIts);
    return gap
      ? [{ path, message: `${proxy} cannot do this: ${gap.why}; ${fixFor(isIts, all)}` }]
      : [];
  });
}

/** Whether a value is the one that cannot be done, or a list that has it. */
function concerns(gap: Gap, value: unknown): boolean {
  if (gap.value === undefined) return true;
  return Array.isArray(value) ? value.includes(gap.value) : value === gap.value;
}

function fixFor(isIts: (gap: Gap) => boolean, all: readonly Gaps[]): string {
  const able = all.filter(({ gaps }) => !gaps.some(isIts));
  if (able.length > 0) return `these can: ${able.map(({ proxy }) => proxy).join(', ')}`;
  return 'no proxy that synapse runs can: leave it out, or set policy_unsupported: warn';
}
