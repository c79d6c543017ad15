import { setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, createLatest, messageOf } from '@smartstack/daemon';

import type { EphemeralOptions } from '../contract.ts';
import { isCode } from '../error.ts';
import type { SessionContext } from '../session/context.ts';
import { keepError } from './error.ts';
import { createEphemeralNode } from './node.ts';
import { createWaiters, type Waiter } from './waiters.ts';

/** Errors that another attempt does not change: the caller gets them. */
const final = [
  'NO_AUTH',
  'INVALID_ACL',
  'BAD_ARGUMENTS',
  'NO_CHILDREN_FOR_EPHEMERALS',
  'NODE_EXISTS',
];

/** A node that has to be created again this soon, in milliseconds, is contested: each attempt then waits longer. */
const contestedWithin = 30_000;

/** How often a node of another session is checked again, in milliseconds. */
const heldInterval = 500;

/** Keeps one ephemeral node and its data in place, from its creation until it is released. */
export interface Keeper {
  path(): string;
  /** Resolves once the node has this data; rejects when that cannot be, or when the signal aborts. */
  apply(data: Buffer, signal?: AbortSignal): Promise<void>;
  /** Deletes the node and stops. */
  release(): Promise<void>;
}

export function createKeeper(context: SessionContext, options: EphemeralOptions): Keeper {
  const { path } = options;
  const released = new AbortController();
  const signal = AbortSignal.any([released.signal, context.signal]);
  const due = createLatest<true>();
  const retry = () => due.set(true);
  const node = createEphemeralNode(context, { ...options, onEvent: retry }, signal);
  const waiters = createWaiters(path);
  let wanted = options.data;
  let lastReason = '';
  let releasing: Promise<void> | undefined;

  /** Creates or updates the node where needed, and returns what it did. */
  async function attempt(): Promise<'unchanged' | 'created' | 'failed' | 'held'> {
    const served = waiters.present();
    try {
      const created = await node.ensure(wanted);
      settle(served);
      lastReason = '';
      return created ? 'created' : 'unchanged';
    } catch (error) {
      if (signal.aborted || isCode(error, 'CLOSED')) return 'unchanged';
      if (isCode(error, ...final)) settle(served, error);
      warn(messageOf(error));
      return isCode(error, 'HELD') ? 'held' : 'failed';
    }
  }

  function warn(reason: string) {
    const fix = 'it is tried again; where it is refused, let these credentials write there';
    if (reason !== lastReason)
      context.log.warn({ path, reason, fix }, 'cannot keep an ephemeral node');
    lastReason = reason;
  }

  async function keep(): Promise<void> {
    const backoff = createBackoff({ base: 50, max: 10_000 });
    let lastCreated = Number.NEGATIVE_INFINITY;
    context.connected.on(retry, signal);
    for await (const _ of due.values(signal)) {
      const result = await attempt();
      const contested = result === 'created' && performance.now() - lastCreated < contestedWithin;
      if (result === 'created') lastCreated = performance.now();
      if (result === 'failed' || result === 'held') retry();
      if (result === 'held') await sleep(heldInterval, undefined, { signal }).catch(() => {});
      else if (contested || result === 'failed') await backoff.wait(signal).catch(() => {});
      else backoff.reset();
    }
    const reason = 'it was released, or its session closed';
    settle(waiters.present(), keepError(path, { code: 'CLOSED', reason }));
  }

  async function end(): Promise<void> {
    released.abort();
    await kept;
    await node.remove();
  }

  const kept = keep();
  return {
    path: node.path,
    apply(data, outer) {
      wanted = data;
      const waiter = waiters.add(outer);
      if (signal.aborted)
        waiter.settle(keepError(path, { code: 'CLOSED', reason: 'the session is closed' }));
      else retry();
      return waiter.done;
    },
    release() {
      releasing ??= end();
      return releasing;
    },
  };
}

function settle(waiters: readonly Waiter[], error?: unknown) {
  for (const waiter of waiters) waiter.settle(error);
}
