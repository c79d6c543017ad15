import { isDeepStrictEqual } from 'node:util';

import { createLatest } from '@smartstack/daemon';

import type { FollowRegistryConfig, RegistryConfig } from '../discovery.ts';
import { newestOf } from '../newest.ts';
import { policyKey } from '../registry-policy.ts';

/** Which watchers of a `multi` count, in order. */
export interface Chosen {
  note(watchers: readonly string[]): void;
  /** Yields what was noted last, if anything was, then every newer choice. One reader at a time. */
  values(signal: AbortSignal): AsyncGenerator<readonly string[], void>;
}

export function createChosen(): Chosen {
  const newest = createLatest<readonly string[]>();
  let last: readonly string[] | undefined;
  return {
    note: (watchers) => {
      last = watchers;
      newest.set(watchers);
    },
    values: async function* (signal) {
      // A reader that failed and reads again has taken it before.
      if (last) yield last;
      yield* newest.values(signal);
    },
  };
}

/**
 * What the nodes of the watchers that count set together: of each key, the first watcher that has it wins, and the
 * policy is the first one's as a whole. Yields once all of these answered, and whenever the result changes.
 */
export function followChosen(
  watchers: ReadonlyMap<string, FollowRegistryConfig>,
  chosen: Chosen,
): FollowRegistryConfig {
  return async function* (signal) {
    const found = new Map<string, RegistryConfig>();
    const changed = createLatest<void>();
    let names: readonly string[] | undefined;
    let last: RegistryConfig | undefined;
    const note = async <T>(values: AsyncIterable<T>, keep: (value: T) => void) => {
      for await (const value of values) {
        keep(value);
        changed.set();
      }
    };
    const follow = (own: AbortSignal) =>
      Promise.all([
        ...[...watchers].map(([name, each]) =>
          note(each(own), (overrides) => found.set(name, overrides)),
        ),
        note(chosen.values(own), (value) => {
          names = value.filter((name) => watchers.has(name));
        }),
      ]);
    for await (const _ of newestOf(changed, follow, signal)) {
      const merged = mergedOf(names, found);
      if (!merged || isDeepStrictEqual(merged, last)) continue;
      last = merged;
      yield merged;
    }
  };
}

function mergedOf(
  names: readonly string[] | undefined,
  found: ReadonlyMap<string, RegistryConfig>,
): RegistryConfig | undefined {
  if (!names?.every((name) => found.has(name))) return undefined;
  const merged: Record<string, object> = {};
  for (const name of names.toReversed())
    for (const [proxy, section] of Object.entries(found.get(name) ?? {}))
      merged[proxy] = proxy === policyKey ? section : { ...merged[proxy], ...section };
  return merged;
}
