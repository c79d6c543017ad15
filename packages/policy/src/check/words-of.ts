import type { Policy } from '../words/policy.ts';

/** A word that a policy uses: its name without indexes, such as `routes.mirror`, and where it stands. */
export interface UsedWord {
  readonly word: string;
  readonly path: readonly (string | number)[];
  readonly value: unknown;
}

/** Every word of a policy. The whole of a list of plain values, and of what is one choice among several, is one word. */
export function wordsOf(policy: Policy): readonly UsedWord[] {
  return below(policy, [], []);
}

function below(
  value: unknown,
  names: readonly string[],
  path: readonly (string | number)[],
): readonly UsedWord[] {
  const word = names.join('.');
  const own = names.length > 0 ? [{ word, path, value }] : [];
  if (Array.isArray(value)) {
    if (word !== 'routes') return own;
    return [
      ...own,
      ...value.flatMap((each, index) => below(each, names, [...path, index]).slice(1)),
    ];
  }
  if (typeof value !== 'object' || value === null) return own;
  const parts = Object.entries(value)
    .filter(([, each]) => each !== undefined)
    .flatMap(([key, each]) => below(each, [...names, key], [...path, key]));
  return [...own, ...parts];
}
