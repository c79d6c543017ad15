import { setTimeout as sleep } from 'node:timers/promises';
import { createBackoff, type Log, messageOf } from '@smartstack/daemon';

import { HttpError } from '../http/error.ts';
import type { Instance } from '../instance/instance.ts';
import { type Announcement, Unconfirmed } from '../registry.ts';
import { deregister, isSeen } from './agent.ts';
import { type ConsulClient, isRefusal } from './client.ts';
import { type ConsulForm, checkOf, idOf, registrationOf } from './registration.ts';

export interface AnnounceDeps {
  readonly client: ConsulClient;
  readonly log: Log;
  /** Which announcement of this process has which service id. */
  readonly held: Map<string, symbol>;
  /** Aborts when the announcements are left to the next process. */
  readonly leaving: AbortSignal;
  /** Aborts when nothing is asked any more. */
  readonly closed: AbortSignal;
}

/** How long the servers may take to know what the agent knows, in milliseconds. */
const spread = { announced: 3_000, withdrawn: 10_000 };

/**
 * Registers an instance with the agent, and keeps its check passing until disposed of; registers it again where the
 * agent lost it. One that an earlier process left is taken over: it has the same id.
 */
export async function announceService(
  { service, form }: { readonly service: string; readonly form: ConsulForm },
  instance: Instance,
  deps: AnnounceDeps,
  signal: AbortSignal,
): Promise<Announcement> {
  const { client, held, log, leaving, closed } = deps;
  const id = idOf(service, instance);
  const owner = Symbol(id);
  let current = instance;
  let token: string | undefined;

  /** The agent tells the servers of the service, also of its end, with the token that it was registered with. */
  async function register(within: AbortSignal): Promise<void> {
    const used = await client.token();
    await client.put(
      '/v1/agent/service/register',
      {},
      registrationOf(service, current, form),
      within,
    );
    token = used;
  }

  async function withdraw(): Promise<void> {
    if (held.get(id) !== owner && held.has(id)) return;
    if (token !== undefined && token !== (await client.token())) await register(closed);
    await deregister(client, id, closed);
    await untilSeen(false, spread.withdrawn, closed);
    if (held.get(id) === owner) held.delete(id);
  }

  /** Waits until the servers have it, or have it no more; rejects where a withdrawn one is still there. */
  async function untilSeen(wanted: boolean, most: number, within: AbortSignal): Promise<void> {
    const end = performance.now() + most;
    let index = 0;
    while (performance.now() < end) {
      const asked = { service, id, index, wait: 1_000 };
      const seen = await isSeen(client, asked, within).catch((error: unknown) => {
        // Where the token may not read, the agent's word must do.
        if (isRefusal(error)) return { isThere: wanted, index: 0 };
        return { isThere: !wanted, index: 0 };
      });
      if (seen.isThere === wanted) return;
      index = seen.index;
      if (index === 0) await sleep(100, undefined, { signal: within });
    }
    if (!wanted) throw new Error(`cannot withdraw ${id}: the agent has told no server yet`);
  }

  signal.throwIfAborted();
  registrationOf(service, instance, form);
  held.set(id, owner);
  try {
    await register(signal);
    await untilSeen(true, spread.announced, signal);
    signal.throwIfAborted();
  } catch (error) {
    throw new Unconfirmed(error, withdraw);
  }
  const stop = new AbortController();
  const end = AbortSignal.any([stop.signal, leaving]);
  let written = Promise.resolve();
  /** One write after the other, so that the newest is the last. */
  const inSequence = (write: () => Promise<void>) => {
    const writing = written.then(write);
    written = writing.catch(() => {});
    return writing;
  };
  const refresh = () => inSequence(() => passOrRegister());
  const passOrRegister = async () => {
    const path = `/v1/agent/check/pass/${encodeURIComponent(checkOf(id))}`;
    if (token !== (await client.token())) return register(end);
    try {
      await client.put(path, {}, undefined, end);
    } catch (error) {
      if (!(error instanceof HttpError) || ![404, 500].includes(error.status)) throw error;
      await register(end);
      log.warn(
        { service, id, reason: error.message },
        'the agent had lost the service: registered again',
      );
    }
  };
  const kept = keepPassing({ service, id, interval: form.ttl / 3, refresh, log }, end);
  return {
    update: (next, within) => {
      current = next;
      return inSequence(() => register(within));
    },
    [Symbol.asyncDispose]: async () => {
      stop.abort();
      await Promise.all([kept, written]);
      if (!leaving.aborted) await withdraw();
    },
  };
}

interface Keeping {
  readonly service: string;
  readonly id: string;
  readonly interval: number;
  readonly log: Log;
  refresh(): Promise<void>;
}

/** Keeps a check passing until the signal aborts; tries more often while the agent does not take it. Never rejects. */
async function keepPassing(
  { service, id, interval, refresh, log }: Keeping,
  signal: AbortSignal,
): Promise<void> {
  const backoff = createBackoff({ base: 200, max: Math.min(interval, 2_000) });
  let failing = false;
  const fix =
    'see that the agent answers and that the token may write the service; it is tried again';
  const next = () =>
    failing
      ? backoff.wait(signal)
      : sleep(interval * (0.9 + Math.random() / 10), undefined, { signal });
  while (
    await next().then(
      () => true,
      () => false,
    )
  ) {
    try {
      await refresh();
      if (failing) log.info({ service, id }, "the service's check passes again");
      failing = false;
      backoff.reset();
    } catch (error) {
      if (signal.aborted) return;
      if (!failing)
        log.error(
          { service, id, reason: messageOf(error), fix },
          "cannot keep the service's check passing",
        );
      failing = true;
    }
  }
}
