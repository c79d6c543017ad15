import { type Log, messageOf } from '@smartstack/daemon';

import { createAnnouncements } from '../announcements.ts';
import { encodeInstance, type Instance } from '../instance/instance.ts';
import { keepRefreshed } from '../refresh.ts';
import type { Announcement, Registry } from '../registry.ts';
import { createKey, failUnconfirmed, type Keeping } from './creation.ts';
import { createEtcdKeys, type EtcdV2Address } from './keys.ts';
import { createUnclaimedKeys } from './unclaimed.ts';

/** Announces in one etcd, and reads no services from it. */
export interface EtcdV2Registry extends AsyncDisposable {
  /**
   * Announces an instance as the key `<path>/<name>/<number>`, which lives for `ttl` milliseconds (rounded
   * up to seconds) unless it is written again, as this does three times as often until disposed of. A key
   * that an earlier process left for the same name, host and port is taken over.
   */
  announce(
    ttl: number,
    ...args: Parameters<Registry['announce']>
  ): ReturnType<Registry['announce']>;
}

/** Announces through etcd's v2 API, as Airbnb's nerve does; an unreachable server is an error of each call. */
export function createEtcdV2Registry(
  address: EtcdV2Address,
  { log }: { readonly log: Log },
): EtcdV2Registry {
  const announcements = createAnnouncements();
  const unclaimed = createUnclaimedKeys();
  return {
    announce: (ttl, path, instance, signal) => {
      const seconds = Math.ceil(ttl / 1000);
      const interval = (seconds * 1000) / 3;
      const keys = createEtcdKeys(address, Math.min(Math.max(interval, 1_000), 5_000));
      const folder = `${path === '/' ? '' : path}/${instance.name ?? ''}`;
      return unclaimed.inTurn(folder, async () => {
        const claimed = await unclaimed.claim({ keys, folder }, instance, signal);
        const kept = { ...unclaimed, keys, log, folder, seconds, interval };
        return announcements.add(await announceKey(kept, claimed, instance, signal));
      });
    },
    [Symbol.asyncDispose]: async () => {
      // What could not be withdrawn expires.
      await Promise.allSettled([announcements[Symbol.asyncDispose]()]);
    },
  };
}

async function announceKey(
  keeping: Keeping,
  claimed: string | undefined,
  instance: Instance,
  signal: AbortSignal,
): Promise<Announcement> {
  const { keys, held, seconds: ttl } = keeping;
  let value = encodeInstance(instance).toString();
  const key = claimed ?? (await createKey(keeping, { instance, value }, signal));
  const { write, idle } = inSequence(() => keys.set(key, { value, ttl }));
  if (claimed !== undefined)
    await write().catch(failUnconfirmed(keeping, { instance, value, key }));
  held.add(key);
  const stop = new AbortController();
  const kept = keepWritten(keeping, key, write, stop.signal);
  return {
    update: async (next) => {
      value = encodeInstance(next).toString();
      await write();
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all([kept, idle()]);
      await keys.remove(key);
      held.delete(key);
    },
  };
}

/** One write after the other, so that the newest value is the last. */
function inSequence(set: () => Promise<void>) {
  let written = Promise.resolve();
  return {
    write: () => {
      const writing = written.then(set);
      written = writing.catch(() => {});
      return writing;
    },
    idle: () => written,
  };
}

function keepWritten(
  { log, interval, seconds }: Keeping,
  key: string,
  write: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const expires = `${seconds} s`;
  const fix = 'check that etcd answers this machine, and lets it write there; it is tried again';
  return keepRefreshed(
    {
      interval,
      refresh: write,
      onFailing: (error) =>
        log.error({ key, reason: messageOf(error), expires, fix }, 'cannot write etcd key'),
      onRecovered: () => log.info({ key }, 'etcd key is written again'),
    },
    signal,
  );
}
