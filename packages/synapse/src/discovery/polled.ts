import { isDeepStrictEqual } from 'node:util';

import { createLatest, keepRunning, type Log, messageOf } from '@smartstack/daemon';
import type { Instance, RegistryRecord } from '@smartstack/registry';

import type { Discovery } from './discovery.ts';

export interface PolledOptions {
  /** The whole list as it is now. */
  ask(signal: AbortSignal): Promise<readonly Instance[]>;
  /** From one asking to the next, in milliseconds; the first wait is a random part of it, which spreads a fleet. */
  readonly interval: number;
  /** Yields when it is worth asking before the interval is over. */
  readonly hints?: ((signal: AbortSignal) => AsyncIterable<void>) | undefined;
  /** What to do about a failure, where more is known than that its source does not answer. */
  readonly fixFor?: ((error: unknown) => string | undefined) | undefined;
  /** Called with the reason why it could not be asked, and with undefined once it could again. */
  readonly onTrouble?: ((reason: string | undefined) => void) | undefined;
  readonly log: Log;
}

/** A discovery that polls. A failure changes no members, and is logged when its reason changes. */
export function polled({
  ask,
  interval,
  hints,
  fixFor,
  onTrouble = () => {},
  log,
}: PolledOptions): Discovery {
  return async function* (outer) {
    const ended = new AbortController();
    const signal = AbortSignal.any([outer, ended.signal]);
    const due = createLatest<void>();
    // Without them it is asked at its interval all the same.
    const hinting =
      hints &&
      keepRunning(
        (own) => feed(hints(own), due.set),
        (error) =>
          log.warn(
            { reason: messageOf(error), fix: 'it is asked at its interval all the same' },
            'cannot listen for events',
          ),
        signal,
      );
    let last: readonly Instance[] | undefined;
    let complaint = '';
    let timer: NodeJS.Timeout | undefined;
    let wait = interval * Math.random();
    due.set();
    try {
      for await (const _ of due.values(signal)) {
        clearTimeout(timer);
        const result = await attempted(ask, signal).catch((error: unknown) => ({
          failure: messageOf(error),
          fix: fixFor?.(error) ?? 'check that its source answers this machine; it is asked again',
        }));
        if (signal.aborted) return;
        const { failure, fix } = 'failure' in result ? result : none;
        if (failure !== '' && failure !== complaint)
          log.warn({ reason: failure, fix }, 'cannot discover; what was known stands');
        complaint = failure;
        onTrouble(failure === '' ? undefined : failure);
        timer = setTimeout(due.set, wait);
        wait = interval;
        if ('failure' in result || isDeepStrictEqual(result, last)) continue;
        last = result;
        yield result;
      }
    } finally {
      clearTimeout(timer);
      ended.abort();
      await hinting;
    }
  };
}

/** One item of a source's answer as a record that is read alone: a bad one is no reason to refuse the others. */
export function recordOf(item: unknown, index: number): RegistryRecord {
  const { id, Id, InstanceId } = (item ?? {}) as Readonly<Record<string, unknown>>;
  const named = [id, Id, InstanceId].find((each) => typeof each === 'string');
  return {
    id: typeof named === 'string' ? named.slice(0, 200) : `item ${index}`,
    data: Buffer.from(JSON.stringify(item) ?? ''),
  };
}

/** A question that throws at once fails as any other does. */
const attempted = async (ask: PolledOptions['ask'], signal: AbortSignal) => ask(signal);

const none = { failure: '', fix: '' };

async function feed(hints: AsyncIterable<void>, wake: () => void): Promise<void> {
  for await (const _ of hints) wake();
}

/**
 * The same question with the last good answer in place of a failed one; rejects where there is none yet.
 * `onOutcome` is called with the reason of a failure when that changes, and with undefined once it succeeds.
 */
export function lastGood<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  onOutcome: (failure: string | undefined) => void,
): (signal: AbortSignal) => Promise<T> {
  let last: { readonly value: T } | undefined;
  let complaint: string | undefined;
  const note = (failure: string | undefined) => {
    if (failure !== complaint) onOutcome(failure);
    complaint = failure;
  };
  return async (signal) => {
    try {
      const value = await ask(signal);
      last = { value };
      note(undefined);
      return value;
    } catch (error) {
      if (!last || signal.aborted) throw error;
      note(messageOf(error));
      return last.value;
    }
  };
}
