import { isDeepStrictEqual } from 'node:util';

import { createLatest } from '@smartstack/daemon';

import type { FollowRegistryConfig, RegistryConfig } from '../discovery.ts';
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
      // Whoever reads again after a failure has taken it before.
      if (last) yield last;
      yield* newest.values(signal);
    },
  };
}

/**
 * What the nodes of the watchers that count say together: each key as the first of them that has it says, and
 * the policy as a whole.
 * It yields once all of these were heard, and whenever it comes to something else.
 */
export function followChosen(
  watchers: ReadonlyMap<string, FollowRegistryConfig>,
  chosen: Chosen,
): FollowRegistryConfig {
  return async function* (outer) {
    const ended = new AbortController();
    const signal = AbortSignal.any([outer, ended.signal]);
    const heard = new Map<string, RegistryConfig>();
    const changed = createLatest<void>();
    let names: readonly string[] | undefined;
    let last: RegistryConfig | undefined;
    const note = async <T>(values: AsyncIterable<T>, keep: (value: T) => void) => {
      for await (const value of values) {
        keep(value);
        changed.set();
      }
    };
    const tasks = Promise.all([
      ...[...watchers].map(([name, follow]) =>
        note(follow(signal), (overrides) => heard.set(name, overrides)),
      ),
      note(chosen.values(signal), (value) => {
        names = value.filter((name) => watchers.has(name));
      }),
    ]).catch((error: unknown) => {
      changed.end();
      throw error;
    });
    tasks.catch(() => {});
    try {
      for await (const _ of changed.values(signal)) {
        const merged = mergedOf(names, heard);
        if (!merged || isDeepStrictEqual(merged, last)) continue;
        last = merged;
        yield merged;
      }
    } finally {
      ended.abort();
      await tasks;
    }
  };
}

function mergedOf(
  names: readonly string[] | undefined,
  heard: ReadonlyMap<string, RegistryConfig>,
): RegistryConfig | undefined {
  if (!names?.every((name) => heard.has(name))) return undefined;
  const merged: Record<string, object> = {};
  for (const name of names.toReversed())
    for (const [proxy, section] of Object.entries(heard.get(name) ?? {}))
      merged[proxy] = proxy === policyKey ? section : { ...merged[proxy], ...section };
  return merged;
}
