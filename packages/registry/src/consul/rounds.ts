import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, createLatest } from '@smartstack/daemon';

import type { ConsulClient, Params } from './client.ts';
import { type ConsulQuery, indexParamsOf, noCheck, pathOf } from './query.ts';
import { createPace, type InTurn } from './turns.ts';

/** Tells many services of one datacenter of their changes, with two blocking queries for all of them. */
export interface Rounds {
  /** To be taken before a service is read: changes after it are told. */
  mark(): number;
  /** Resolves once the service may differ from what was read at this index; rejects when the signal aborts. */
  changed(
    query: ConsulQuery,
    read: { readonly index: number; readonly mark: number },
    signal: AbortSignal,
  ): Promise<void>;
}

export interface RoundsDeps {
  readonly client: ConsulClient;
  readonly datacenter: string | undefined;
  readonly wait: number;
  readonly inTurn: InTurn;
}

interface Waiting {
  readonly query: ConsulQuery;
  readonly index: number;
  /** Changes that are counted up to here have been looked at for it. */
  seen: number;
  readonly wake: () => void;
}

/** From one round to the next, in milliseconds. */
const shortest = 250;
const longest = 2_000;
/** Rounds take a fifth of the time at most, unless they take longer than that. */
const share = 5;

export function createRounds({ client, datacenter, wait, inTurn }: RoundsDeps): Rounds {
  const waiting = new Set<Waiting>();
  const due = createLatest<void>();
  let changes = 1;
  let running: AbortController | undefined;

  function start(): void {
    const ended = new AbortController();
    // Each question of a round listens.
    setMaxListeners(0, ended.signal);
    running = ended;
    const note = () => {
      changes += 1;
      due.set();
    };
    // Checks say nothing of a service without checks, and the catalog nothing of checks. Of both answers only the index counts.
    const checks = { dc: datacenter, filter: noCheck };
    const catalog = { dc: datacenter, 'node-meta': 'smartstack:none' };
    void follow('/v1/health/state/any', checks, note, ended.signal);
    void follow('/v1/catalog/services', catalog, note, ended.signal);
    void inRounds(ended.signal);
  }

  /** Calls `note` for each change of an index, after each failure, and when nothing was heard for a while. Never rejects. */
  async function follow(path: string, params: Params, note: () => void, signal: AbortSignal) {
    const backoff = createBackoff({ base: 250, max: 10_000 });
    const paced = createPace(5, shortest);
    let index = 0;
    while (!signal.aborted) {
      try {
        await paced(signal);
        const answer = await client.get(path, params, { index, wait, mayBeEmpty: true }, signal);
        backoff.reset();
        if (answer.index === 0) await backoff.wait(signal);
        index = answer.index < index ? 0 : answer.index;
      } catch {
        index = 0;
        await backoff.wait(signal).catch(() => {});
      }
      if (!signal.aborted) note();
    }
  }

  async function inRounds(signal: AbortSignal): Promise<void> {
    for await (const _ of due.values(signal)) {
      const begin = performance.now();
      const now = changes;
      await Promise.all(
        [...waiting].filter(({ seen }) => seen < now).map((one) => look(one, now, signal)),
      );
      const took = performance.now() - begin;
      const pause = Math.max(shortest, Math.min(took * share, Math.max(longest, took)));
      await sleep(pause * (0.75 + Math.random() / 2), undefined, { signal }).catch(() => {});
    }
  }

  /** A service that cannot be asked is woken: its own reading says why. */
  async function look(one: Waiting, now: number, signal: AbortSignal): Promise<void> {
    const { query } = one;
    const ask = () => client.get(pathOf(query), indexParamsOf(query), { mayBeEmpty: true }, signal);
    const index = await inTurn(ask, signal).then(
      (answer) => answer.index,
      () => undefined,
    );
    one.seen = now;
    if (index !== one.index) one.wake();
  }

  return {
    mark: () => changes,
    changed: async (query, { index, mark }, signal) => {
      signal.throwIfAborted();
      let wake = () => {};
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const one: Waiting = { query, index, seen: mark, wake };
      waiting.add(one);
      signal.addEventListener('abort', wake);
      if (!running) start();
      else if (mark < changes) due.set();
      try {
        await woken;
        signal.throwIfAborted();
      } finally {
        signal.removeEventListener('abort', wake);
        waiting.delete(one);
        if (waiting.size === 0) retireSoon();
      }
    },
  };

  /** A service that is being read comes back in a moment. */
  function retireSoon(): void {
    const ended = running;
    setTimeout(() => {
      if (waiting.size > 0 || running !== ended) return;
      running = undefined;
      ended?.abort();
    }, 1_000).unref();
  }
}
