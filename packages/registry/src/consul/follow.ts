import { setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, type Log, messageOf } from '@smartstack/daemon';

import type { RegistryRecord } from '../instance/record.ts';
import { type ConsulAnswer, type ConsulClient, isRefusal } from './client.ts';
import { createEntryReader } from './entries.ts';
import { type ConsulQuery, paramsOf, pathOf } from './query.ts';
import type { Rounds } from './rounds.ts';
import { createPace, type InTurn, type Slots } from './turns.ts';

export interface FollowDeps {
  readonly client: ConsulClient;
  readonly wait: number;
  readonly slots: Slots;
  readonly rounds: Rounds;
  readonly inTurn: InTurn;
  readonly log: Log;
  /** Called with the reason why it cannot be read now, and with undefined once it can again. */
  onTrouble?(reason: string | undefined): void;
}

/** How many answers may come at once, and how far those after them are apart, in milliseconds. */
const pace = { burst: 20, interval: 100 } as const;

/**
 * Yields the records of a service in one datacenter, then the whole list again on each change, until the signal aborts.
 * What is no good answer is tried again, and the last list stands.
 */
export async function* followService(
  query: ConsulQuery,
  deps: FollowDeps,
  signal: AbortSignal,
): AsyncGenerator<readonly RegistryRecord[], void> {
  const { slots, onTrouble } = deps;
  const trouble = createTrouble(query, deps);
  const backoff = createBackoff({ base: 250, max: 10_000 });
  const reader = createReader(query, deps);
  let last: readonly RegistryRecord[] | undefined;
  let hasSlot = false;
  try {
    while (!signal.aborted) {
      hasSlot ||= slots.take();
      try {
        const records = await reader.next(hasSlot, signal);
        backoff.reset();
        trouble(undefined);
        if (last && isSame(last, records)) continue;
        last = records;
        yield records;
      } catch (error) {
        if (signal.aborted) return;
        trouble(messageOf(error));
        await backoff.wait(signal).catch(() => {});
      }
    }
  } finally {
    if (hasSlot) slots.release();
    onTrouble?.(undefined);
  }
}

function createReader(query: ConsulQuery, { client, wait, rounds, inTurn, log }: FollowDeps) {
  const { service, maxStale } = query;
  const readEntries = createEntryReader();
  const path = pathOf(query);
  /** What the last good answer holds. */
  let known = 0;
  /** What is asked behind; 0 for an answer at once. */
  let index = 0;
  let mark = 0;
  const paced = createPace(pace.burst, pace.interval);

  const atOnce = (mode: ConsulQuery['consistency'], signal: AbortSignal) =>
    inTurn(() => client.get(path, paramsOf(query, mode), { maxStale }, signal), signal);

  async function ask(hasSlot: boolean, signal: AbortSignal): Promise<ConsulAnswer> {
    if (index > 0 && hasSlot)
      return client.get(path, paramsOf(query), { index, wait, maxStale }, signal);
    if (index > 0) await rounds.changed(query, { index, mark }, signal);
    mark = rounds.mark();
    return atOnce(hasSlot ? query.consistency : 'default', signal);
  }

  /** An index that went back: Consul was restored from a backup, or a server lags behind. A leader's word decides. */
  async function confirmed(answer: ConsulAnswer, signal: AbortSignal): Promise<ConsulAnswer> {
    if (answer.index >= known) return answer;
    client.doubt();
    log.warn(
      {
        service,
        from: known,
        to: answer.index,
        fix: 'nothing, if Consul was restored from a backup',
      },
      "Consul's index went back; asking its leader",
    );
    mark = rounds.mark();
    return atOnce('consistent', signal);
  }

  return {
    next: async (hasSlot: boolean, signal: AbortSignal): Promise<readonly RegistryRecord[]> => {
      try {
        await paced(signal);
        const answer = await confirmed(await ask(hasSlot, signal), signal);
        const records = await readEntries(answer.body, service, signal);
        // Without an index there is nothing to wait behind.
        if (answer.index === 0) await sleep(1_000, undefined, { signal });
        known = answer.index;
        index = answer.index;
        return query.near === undefined ? records.toSorted(byId) : records;
      } catch (error) {
        // Another server may count otherwise: a blocking query could wait for what never comes.
        index = 0;
        if (!signal.aborted && !isRefusal(error)) client.doubt();
        throw error;
      }
    },
  };
}

function byId(a: RegistryRecord, b: RegistryRecord): number {
  return a.id < b.id ? -1 : Number(a.id > b.id);
}

function isSame(a: readonly RegistryRecord[], b: readonly RegistryRecord[]): boolean {
  return a.length === b.length && a.every(({ data }, at) => data === b[at]?.data);
}

function createTrouble({ service, datacenter }: ConsulQuery, { log, onTrouble }: FollowDeps) {
  let last: string | undefined;
  const fix =
    'see that Consul answers this machine and that the token may read the service; it is asked again';
  return (reason: string | undefined) => {
    if (reason === last) return;
    const about = { service, ...(datacenter !== undefined && { datacenter }) };
    if (reason === undefined) log.info(about, 'Consul answers again');
    else log.warn({ ...about, reason, fix }, 'cannot read from Consul; what was known stands');
    last = reason;
    onTrouble?.(reason);
  };
}
