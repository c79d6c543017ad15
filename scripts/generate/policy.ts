import { builtIn, type Gaps, type Protocol, wordsOf } from '@smartstack/policy';
import { stringify } from 'yaml';

import { markdown } from './table.ts';

/** What fills `<!-- gaps: haproxy -->`: the words that a proxy cannot do, and why. */
export function gapsTables(all: readonly Gaps[]): (proxy: string) => string {
  return (proxy) => {
    const own = all.find((each) => each.proxy === proxy);
    if (!own) throw new Error(`no proxy ${proxy}`);
    return markdown(
      ['Word', 'Which of its values', 'From version', 'Why not'],
      own.gaps.map(({ word, value, since, why }) => [
        `\`${word}\``,
        value === undefined ? 'all' : `\`${String(value)}\``,
        since ?? 'none',
        why,
      ]),
    );
  };
}

/** What fills `<!-- builtin: http tcp -->`: what holds of each of these protocols where nothing is said. */
export function builtInTable(protocols: string): string {
  const columns = protocols.split(' ').map((protocol) => valuesOf(protocol as Protocol));
  const words = new Set(columns.flatMap((values) => [...values.keys()]));
  return markdown(
    ['Word', ...protocols.split(' ').map((protocol) => `\`protocol: ${protocol}\``)],
    [...words].map((word) => [
      `\`${word}\``,
      ...columns.map((values) => {
        const value = values.get(word);
        return value === undefined ? '–' : `\`${written(word, value)}\``;
      }),
    ]),
  );
}

function valuesOf(protocol: Protocol): ReadonlyMap<string, unknown> {
  const plain = wordsOf(builtIn(protocol)).filter(
    ({ value }) => Array.isArray(value) || typeof value !== 'object',
  );
  return new Map(plain.map(({ word, value }) => [word, value]));
}

/** A value as it stands in a file, where times and shares have their units. */
function written(word: string, value: unknown): string {
  if (typeof value === 'number' && /^timeouts\.|eject_for$|back_off$/.test(word))
    return value % 1000 === 0 ? `${value / 1000}s` : `${value}ms`;
  if (typeof value === 'number' && /budget$|max_share$|panic$/.test(word)) return `${value * 100}%`;
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false }).trim();
}
