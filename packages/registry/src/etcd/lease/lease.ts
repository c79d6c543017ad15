import { randomBytes } from 'node:crypto';

import { createBackoff, type Log, messageOf } from '@smartstack/daemon';
import { orAborted } from '../../or-aborted.ts';
import type { EtcdClient } from '../client/client.ts';
import { fixFor } from '../client/errors.ts';
import {
  leaseGrant,
  leaseKeepAlive,
  leaseRequest,
  leaseRevoke,
  leaseTimeToLive,
} from '../wire/messages.ts';

export interface LeaseOptions {
  readonly client: EtcdClient;
  readonly log: Log;
  /** How long it outlives this process, in milliseconds; etcd may grant more. */
  readonly ttl: number;
  /** One that an earlier process left. */
  readonly resume?: bigint | undefined;
  /** Called with the one that was left, once it is known to live. */
  onTaken(id: bigint): Promise<void>;
  /** Called with a new lease before anything is put under it. */
  onGranted(): Promise<void>;
  /** Called when the last lease has ended in etcd and with it all that was under it; not before the first. */
  onLost(): Promise<void>;
  /** Called now and then while it lives, and after every lost connection. */
  onAlive(id: bigint): Promise<void>;
}

/** One lease, kept alive from the first time that it is needed until the signal aborts. */
export interface Lease {
  /** The present lease; one is taken over or granted where there is none. Rejects where etcd does not answer. */
  get(signal: AbortSignal): Promise<bigint>;
  /** Notes that etcd does not know a lease any more. */
  lost(id: bigint): void;
  /** The present lease, if any. */
  id(): bigint | undefined;
  /** The keys under a lease as etcd has them; undefined where there is no such lease. */
  keysOf(id: bigint, signal: AbortSignal): Promise<readonly Buffer[] | undefined>;
  /** Keeps it alive once more. */
  touch(signal: AbortSignal): Promise<void>;
  /** Ends it, with all that is under it. */
  revoke(signal: AbortSignal): Promise<void>;
  /** Resolves once the signal has aborted and nothing is asked any more. */
  ended(): Promise<void>;
}

/** So many times it is kept alive until it is asked what is under it. */
const turns = 3;

export function createLease(options: LeaseOptions, signal: AbortSignal): Lease {
  const { client, log, resume } = options;
  const seconds = Math.max(1, Math.ceil(options.ttl / 1000));
  /** As etcd has granted it, in milliseconds. */
  let granted = seconds * 1000;
  let id: bigint | undefined;
  let getting: Promise<bigint> | undefined;
  let keeping: Promise<void> | undefined;
  let isFirst = true;
  let isLost = false;
  let turn = 0;
  let connections = client.connections;
  let wake = () => {};

  const timeout = () => Math.min(Math.max(granted / 4, 500), 3_000);

  async function keepAlive(lease: bigint, own = signal): Promise<boolean> {
    const call = { what: 'keep the lease', timeout: timeout(), signal: own };
    const { ttl } = await client.call(leaseKeepAlive, leaseRequest.of(lease), call);
    if (ttl > 0) granted = spanOf(ttl);
    return ttl > 0;
  }

  async function obtain(): Promise<bigint> {
    const taken = isFirst && resume !== undefined && (await keepAlive(resume)) ? resume : undefined;
    if (taken !== undefined) await options.onTaken(taken);
    const obtained = taken ?? (await grant());
    isFirst = false;
    id = obtained;
    connections = client.connections;
    // A lease that is there is kept alive, whatever becomes of the note that it is.
    keeping ??= keep();
    if (taken === undefined) await options.onGranted();
    return obtained;
  }

  async function grant(): Promise<bigint> {
    // Chosen here, so that the request may be sent twice.
    const chosen = randomBytes(8).readBigInt64BE() & 0x7fff_ffff_ffff_ffffn || 1n;
    const call = { what: 'get a lease', signal };
    const { ttl } = await client
      .call(leaseGrant, leaseRequest.grant(chosen, seconds), call)
      .catch((error: unknown) => {
        if (/lease already exists/.test(messageOf(error))) return { ttl: seconds };
        throw error;
      });
    granted = spanOf(ttl);
    return chosen;
  }

  /** Whoever waits, waits for the same one; it is not given up when one of them is. */
  function get(): Promise<bigint> {
    if (id !== undefined) return Promise.resolve(id);
    getting ??= obtain().finally(() => {
      getting = undefined;
    });
    return getting;
  }

  async function keep(): Promise<void> {
    while (!signal.aborted) {
      await round();
      if (!signal.aborted) await pause(granted / 3);
    }
  }

  /** Until it is known to live, and all that belongs under it is there. */
  async function round(): Promise<void> {
    const backoff = createBackoff({ base: 100, max: 1_000 });
    let complaint = '';
    while (!signal.aborted) {
      try {
        return await keepOnce();
      } catch (error) {
        if (signal.aborted) return;
        const reason = messageOf(error);
        const expires = `${granted / 1000} s`;
        if (reason !== complaint)
          log.error({ reason, expires, fix: fixFor(error) }, 'cannot keep the lease alive');
        complaint = reason;
        await backoff.wait(signal).catch(() => {});
      }
    }
  }

  async function keepOnce(): Promise<void> {
    const present = await get();
    if (isLost) {
      await options.onLost();
      isLost = id !== present;
      return;
    }
    if (!(await keepAlive(present))) {
      log.warn({ lease: text(present) }, 'lease lost: all is announced again');
      lost(present);
      return keepOnce();
    }
    if (++turn % turns !== 0 && connections === client.connections) return;
    await options.onAlive(present);
    connections = client.connections;
  }

  function lost(gone: bigint): void {
    if (id !== gone) return;
    id = undefined;
    isLost = true;
    wake();
  }

  /** Waits, but no longer than until the lease is lost. */
  const pause = (milliseconds: number) =>
    new Promise<void>((resolve) => {
      const timer = setTimeout(end, milliseconds);
      wake = end;
      signal.addEventListener('abort', end);
      function end() {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      }
    });

  if (resume !== undefined) keeping = keep();
  return {
    get: async (own) => {
      own.throwIfAborted();
      return orAborted(get(), own);
    },
    lost,
    id: () => id,
    keysOf: async (lease, own) => {
      const call = { what: 'ask for the keys of the lease', signal: own };
      const { ttl, keys } = await client.call(leaseTimeToLive, leaseRequest.withKeys(lease), call);
      // The rest of its time in whole seconds, which may be 0.
      return ttl >= 0 ? keys : undefined;
    },
    touch: async (own) => {
      if (id !== undefined) await keepAlive(id, own);
    },
    revoke: async (own) => {
      const present = id;
      if (present === undefined) return;
      id = undefined;
      await client.call(leaseRevoke, leaseRequest.of(present), {
        what: 'end the lease',
        signal: own,
      });
    },
    ended: async () => keeping,
  };
}

/** In milliseconds, as a timer can wait. */
const spanOf = (ttl: number) => Math.min(Math.max(1, ttl), 86_400) * 1000;

/** As `etcdctl lease` writes it. */
const text = (id: bigint) => id.toString(16);
