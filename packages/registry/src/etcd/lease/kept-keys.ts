import { codes, EtcdError } from '../client/errors.ts';
import {
  compare,
  operation,
  put,
  putRequest,
  range,
  rangeRequest,
  transaction,
  transactionRequest,
} from '../wire/messages.ts';
import { createLease, type Lease, type LeaseOptions } from './lease.ts';

export interface KeptKeysOptions
  extends Pick<LeaseOptions, 'client' | 'log' | 'ttl' | 'onGranted'> {
  /** The lease of an earlier process, with keys that it had put under it. */
  readonly resume?: { readonly lease: bigint; readonly keys: readonly string[] } | undefined;
}

/** Keys with values under one lease, which are there for as long as they are kept. */
export interface KeptKeys {
  readonly lease: Lease;
  /** Writes a key, and keeps it from now on; a key that is kept several times is there until it is released as often. */
  keep(key: string, value: Buffer, signal: AbortSignal): Promise<void>;
  /** Replaces the value of a key that is kept. */
  update(key: string, value: Buffer, signal: AbortSignal): Promise<void>;
  /** Ends one `keep`; the key is there until it is discarded. */
  release(key: string): void;
  /** Deletes a key that was released, or what may have come of a failed attempt, unless it is kept by now. */
  discard(key: string): Promise<void>;
  /** The keys that are kept, and those of an earlier process that nobody has kept yet. */
  names(): readonly string[];
  unclaimed(): readonly string[];
  /** Deletes those of an earlier process for which `isStale` is true. */
  dropUnclaimed(
    isStale: (key: string, value: Buffer) => boolean,
    signal: AbortSignal,
  ): Promise<void>;
}

interface Kept {
  value: Buffer;
  holders: number;
}

export function createKeptKeys(options: KeptKeysOptions, signal: AbortSignal): KeptKeys {
  const { client, log } = options;
  const kept = new Map<string, Kept>();
  const unclaimed = new Set(options.resume?.keys);
  /** What an earlier process wrote, once it was read. */
  const left = new Map<string, Buffer>();
  /** Keys that were taken back: an attempt that was never answered may bring one of them up again. */
  const discarded = new Set<string>();
  const inTurn = createTurns();
  const lease = createLease(
    {
      ...options,
      resume: options.resume?.lease,
      onTaken: async (id) => {
        for (const key of (await lease.keysOf(id, signal)) ?? []) unclaimed.add(key.toString());
      },
      onLost: async () => {
        unclaimed.clear();
        await Promise.all([...kept.keys()].map((key) => write(key, signal)));
      },
      onAlive: verify,
    },
    signal,
  );

  /** Writes a key's newest value, under a new lease where the old one is gone. */
  function write(key: string, own: AbortSignal): Promise<void> {
    return inTurn(key, async () => {
      for (let left = 2; ; left -= 1) {
        const value = kept.get(key)?.value;
        if (!value) return;
        const id = await lease.get(own);
        try {
          await writeUnder(id, key, value, own);
          unclaimed.delete(key);
          return;
        } catch (error) {
          if (!isLeaseGone(error)) throw error;
          lease.lost(id);
          if (left === 0) throw error;
        }
      }
    });
  }

  async function writeUnder(id: bigint, key: string, value: Buffer, own: AbortSignal) {
    const bytes = Buffer.from(key);
    const call = { what: `write ${key}`, signal: own };
    if (!unclaimed.has(key))
      return void (await client.call(put, putRequest(bytes, value, id), call));
    // What an earlier process wrote is left as it is where nothing has changed: nobody sees an event.
    const request = transactionRequest({
      compare: [compare.hasLease(bytes, id), compare.hasValue(bytes, value)],
      failure: [operation.put(bytes, value, id)],
    });
    await client.call(transaction, request, call);
  }

  /** Deletes a key, where it is under our lease. */
  async function remove(key: string, own: AbortSignal): Promise<void> {
    const id = lease.id();
    if (id === undefined) return;
    const bytes = Buffer.from(key);
    const request = transactionRequest({
      compare: [compare.hasLease(bytes, id)],
      success: [operation.remove(bytes)],
    });
    await client.call(transaction, request, { what: `delete ${key}`, signal: own });
  }

  async function read(key: string, own: AbortSignal): Promise<Buffer | undefined> {
    const asked = rangeRequest({ key: Buffer.from(key) });
    const { keys } = await client.call(range, asked, { what: `read ${key}`, signal: own });
    return keys[0]?.value;
  }

  /** Puts right what others did to our keys, or what a cluster that was put back has forgotten. */
  async function verify(id: bigint): Promise<void> {
    const found = await lease.keysOf(id, signal);
    if (!found) return lease.lost(id);
    const present = new Set(found.map((key) => key.toString()));
    const missing = [...kept.keys()].filter((key) => !present.has(key));
    await Promise.all(missing.map((key) => writeAbsent(key, id)));
    const strays = [...discarded].filter((key) => present.has(key) && !kept.has(key));
    await Promise.all(strays.map((key) => discard(key)));
  }

  const writeAbsent = (key: string, id: bigint) =>
    inTurn(key, async () => {
      const value = kept.get(key)?.value;
      if (!value) return;
      const bytes = Buffer.from(key);
      const request = transactionRequest({
        // One that another process has put there by now is that process's.
        compare: [compare.isAbsent(bytes)],
        success: [operation.put(bytes, value, id)],
      });
      const call = { what: `write ${key}`, signal };
      const { succeeded } = await client.call(transaction, request, call);
      if (succeeded) log.warn({ key }, 'announced again: its key was gone');
    });

  const discard = (key: string) =>
    inTurn(key, async () => {
      discarded.add(key);
      if (!kept.has(key)) await remove(key, signal);
    });

  return {
    lease,
    keep: async (key, value, own) => {
      const { holders = 0 } = kept.get(key) ?? {};
      kept.set(key, { value, holders: holders + 1 });
      try {
        await write(key, own);
      } catch (error) {
        leave(kept, key);
        throw error;
      }
    },
    update: async (key, value, own) => {
      const present = kept.get(key);
      if (present) present.value = value;
      await write(key, own);
    },
    release: (key) => leave(kept, key),
    discard,
    names: () => [...new Set([...kept.keys(), ...unclaimed])],
    unclaimed: () => [...unclaimed],
    dropUnclaimed: async (isStale, own) => {
      if (options.resume) await lease.get(own);
      for (const key of [...unclaimed]) {
        const value = left.get(key) ?? (await read(key, own));
        if (value) left.set(key, value);
        if (kept.has(key) || (value && !isStale(key, value))) continue;
        if (value) await inTurn(key, async () => kept.has(key) || (await remove(key, own)));
        unclaimed.delete(key);
      }
    },
  };
}

function leave(kept: Map<string, Kept>, key: string): void {
  const present = kept.get(key);
  if (!present) return;
  present.holders -= 1;
  if (present.holders === 0) kept.delete(key);
}

/** One task after the other for each key, so that the newest value is the last. */
function createTurns() {
  const last = new Map<string, Promise<unknown>>();
  return <T>(key: string, task: () => Promise<T>): Promise<T> => {
    const turn = (last.get(key) ?? Promise.resolve()).then(task, task);
    const done = turn
      .catch(() => {})
      .finally(() => {
        if (last.get(key) === done) last.delete(key);
      });
    last.set(key, done);
    return turn;
  };
}

const isLeaseGone = (error: unknown) =>
  error instanceof EtcdError &&
  error.code === codes.notFound &&
  /lease not found/.test(error.message);
