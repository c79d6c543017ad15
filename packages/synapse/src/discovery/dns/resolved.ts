import { isDeepStrictEqual } from 'node:util';

import { createLatest, type Log, messageOf } from '@smartstack/daemon';
import { badRecordsOf, type Instance, withBadRecords } from '@smartstack/registry';

import type { Discovery } from '../discovery.ts';
import type { Answer, Lookup } from './lookup.ts';

export interface ResolvedOptions {
  readonly lookup: Lookup;
  /** The longest time from one look to the next, in milliseconds; a shorter TTL makes it shorter. */
  readonly interval: number;
  readonly log: Log;
  /** Told why names cannot be looked up, and undefined once all can again. */
  readonly onTrouble?: ((reason: string | undefined) => void) | undefined;
}

const shortest = 1_000;
/** How many names are looked up at once: each takes sockets of its own. */
const portion = 64;

/**
 * The discovery with addresses in place of names. A name that cannot be looked up keeps its last answer;
 * while one was never answered nothing is yielded, since the list would be a part.
 */
export function withAddresses(discovery: Discovery, options: ResolvedOptions): Discovery {
  return async function* (outer) {
    const ended = new AbortController();
    const signal = AbortSignal.any([outer, ended.signal]);
    const due = createLatest<void>();
    const resolve = createResolve(options);
    let named: readonly Instance[] | undefined;
    let last: readonly Instance[] | undefined;
    let timer: NodeJS.Timeout | undefined;
    const following = follow(discovery(signal), (instances) => {
      named = instances;
      due.set();
    }).catch((error: unknown) => {
      due.end();
      throw error;
    });
    following.catch(() => {});
    try {
      for await (const _ of due.values(signal)) {
        clearTimeout(timer);
        if (!named) continue;
        const { instances, ttl } = await resolve(named, signal);
        if (signal.aborted) return;
        timer = setTimeout(due.set, Math.max(shortest, Math.min(ttl, options.interval)));
        if (!instances || isDeepStrictEqual(instances, last)) continue;
        last = instances;
        yield withBadRecords(instances, badRecordsOf(named));
      }
    } finally {
      clearTimeout(timer);
      ended.abort();
      await following;
    }
  };
}

/** Resolves lists, with what each name was last answered. */
function createResolve({ lookup, log, onTrouble = () => {} }: ResolvedOptions) {
  let known: ReadonlyMap<string, Answer> = new Map();
  let complaints: ReadonlySet<string> = new Set();

  return async (named: readonly Instance[], signal: AbortSignal) => {
    const failures = new Set<string>();
    const answers: (readonly [key: string, answer: Answer | undefined])[] = [];
    for (let at = 0; at < named.length; at += portion)
      answers.push(...(await Promise.all(named.slice(at, at + portion).map(lookedUp))));

    async function lookedUp(instance: Instance) {
      const key = JSON.stringify(instance);
      const answer = await attempted(lookup, instance, signal).catch((error: unknown) => {
        failures.add(`${instance.host}: ${messageOf(error)}`);
        const before = known.get(key);
        return before && { ...before, ttl: 0 };
      });
      return [key, answer] as const;
    }
    if (!signal.aborted)
      for (const reason of failures)
        if (!complaints.has(reason))
          log.warn(
            { reason, fix: 'check that the name exists and its name server answers this machine' },
            'cannot look up; the last answer stands',
          );
    complaints = failures;
    if (!signal.aborted) onTrouble(failures.size === 0 ? undefined : [...failures].join('; '));
    known = new Map(answers.flatMap(([key, answer]) => (answer ? [[key, answer]] : [])));
    const all = answers.map(([, answer]) => answer);
    return {
      instances: all.includes(undefined)
        ? undefined
        : all.flatMap((answer) => answer?.instances ?? []),
      ttl: Math.min(...all.map((answer) => answer?.ttl ?? 0)),
    };
  };
}

/** What throws before it answers is a failure as any other. */
const attempted = async (lookup: Lookup, ...args: Parameters<Lookup>) => lookup(...args);

async function follow(
  lists: AsyncIterable<readonly Instance[]>,
  take: (instances: readonly Instance[]) => void,
): Promise<void> {
  for await (const instances of lists) take(instances);
}
