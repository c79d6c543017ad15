import { isDeepStrictEqual } from 'node:util';

import { createLatest, type Latest, type Log, messageOf } from '@smartstack/daemon';
import { badRecordsOf, type Instance, withBadRecords } from '@smartstack/registry';

import type { Discovery } from '../discovery.ts';
import { newestOf } from '../newest.ts';
import type { Answer, Lookup } from './lookup.ts';

export interface ResolvedOptions {
  readonly lookup: Lookup;
  /** The longest time between two lookups, in milliseconds; a shorter TTL makes it shorter. */
  readonly interval: number;
  readonly log: Log;
  /** Called with the reason why names cannot be looked up, and with undefined once all can again. */
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
  return async function* (signal) {
    const lists = createLatest<readonly Instance[]>();
    const resolve = createResolve(options);
    let last: readonly Instance[] | undefined;
    let timer: NodeJS.Timeout | undefined;
    try {
      for await (const named of newestOf(lists, (own) => feed(discovery(own), lists), signal)) {
        clearTimeout(timer);
        const { instances, ttl } = await resolve(named, signal);
        if (signal.aborted) return;
        const wait = Math.max(shortest, Math.min(ttl, options.interval));
        timer = setTimeout(() => lists.offer(named), wait);
        if (!instances || isDeepStrictEqual(instances, last)) continue;
        last = instances;
        yield withBadRecords(instances, badRecordsOf(named));
      }
    } finally {
      clearTimeout(timer);
    }
  };
}

/** Each instance as text, and its answer. */
type Answers = readonly (readonly [key: string, answer: Answer | undefined])[];

/** Resolves lists, with the last answer for each name that cannot be looked up. */
function createResolve(options: ResolvedOptions) {
  let known: ReadonlyMap<string, Answer> = new Map();
  const note = createFailureNote(options);

  return async (named: readonly Instance[], signal: AbortSignal) => {
    const failures = new Set<string>();
    const lookUp = async (instance: Instance) => {
      const key = JSON.stringify(instance);
      const answer = await attempted(options.lookup, instance, signal).catch((error: unknown) => {
        failures.add(`${instance.host}: ${messageOf(error)}`);
        const before = known.get(key);
        return before && { ...before, ttl: 0 };
      });
      return [key, answer] as const;
    };
    const answers: (readonly [key: string, answer: Answer | undefined])[] = [];
    for (let at = 0; at < named.length; at += portion)
      answers.push(...(await Promise.all(named.slice(at, at + portion).map(lookUp))));
    if (!signal.aborted) note(failures);
    known = new Map(answers.flatMap(([key, answer]) => (answer ? [[key, answer]] : [])));
    return joined(answers);
  };
}

/** The instances of all answers; undefined while one is missing, since the list would be a part. */
function joined(answers: Answers) {
  const all = answers.map(([, answer]) => answer);
  return {
    instances: all.includes(undefined) ? undefined : all.flatMap((each) => each?.instances ?? []),
    ttl: Math.min(...all.map((answer) => answer?.ttl ?? 0)),
  };
}

/** Logs each reason once while it lasts, and tells `onTrouble` of all. */
function createFailureNote({ log, onTrouble = () => {} }: ResolvedOptions) {
  let before: ReadonlySet<string> = new Set();
  return (reasons: ReadonlySet<string>): void => {
    for (const reason of reasons)
      if (!before.has(reason))
        log.warn(
          { reason, fix: 'check that the name exists and its name server answers this machine' },
          'cannot look up; the last answer stands',
        );
    before = reasons;
    onTrouble(reasons.size === 0 ? undefined : [...reasons].join('; '));
  };
}

/** A lookup that throws at once fails as any other does. */
const attempted = async (lookup: Lookup, ...args: Parameters<Lookup>) => lookup(...args);

async function feed(
  lists: AsyncIterable<readonly Instance[]>,
  slot: Latest<readonly Instance[]>,
): Promise<void> {
  for await (const list of lists) slot.set(list);
}
