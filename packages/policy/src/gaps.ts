import type { PolicyProblem } from './check/problem.ts';
import { wordsOf } from './check/words-of.ts';
import type { Policy } from './words/policy.ts';

/** A word that a proxy cannot do, and what to do instead. */
export interface Gap {
  /** Without indexes, such as `routes.mirror`. */
  readonly word: string;
  /** Which of its values; all where it is left out. */
  readonly value?: unknown;
  /** The first version of the proxy that can do it, such as `3.0`; no version can where it is left out. */
  readonly since?: string;
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
  const able = all.flatMap(({ proxy, gaps }) => {
    const gap = gaps.find(isIts);
    if (!gap) return [proxy];
    return gap.since === undefined ? [] : [`${proxy} from ${gap.since} on`];
  });
  if (able.length > 0) return `these can: ${able.join(', ')}`;
  return 'no proxy that synapse runs can: leave it out, or set policy_unsupported: warn';
}

/** The policy without single values that a proxy cannot do; whole words that it cannot do are for it to ignore. */
export function withoutGaps(policy: Policy, gaps: readonly Gap[]): Policy {
  const wrong = wordsOf(policy).flatMap(({ word, path, value }) => {
    const values = gaps.flatMap((gap) =>
      gap.word === word && concerns(gap, value) ? gap.value : [],
    );
    return Array.isArray(value) && values.length > 0 ? [{ path, values }] : [];
  });
  if (wrong.length === 0) return policy;
  const copy = structuredClone(policy);
  for (const { path, values } of wrong) {
    const list = path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown>)[key], copy);
    if (Array.isArray(list))
      list.splice(0, list.length, ...list.filter((each) => !values.includes(each)));
  }
  return copy;
}
