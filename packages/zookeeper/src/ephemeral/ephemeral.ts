import { setTimeout as sleep } from 'node:timers/promises';

import { createBackoff, createLatest, messageOf } from '@smartstack/daemon';

import { onAbort } from '../abort.ts';
import type { Ephemeral, EphemeralOptions } from '../contract.ts';
import { isCode, ZooKeeperError } from '../error.ts';
import { flawOf } from '../path.ts';
import type { Core } from '../session/core.ts';
import { createIncarnation } from './incarnation.ts';

/** Errors that no repetition mends: whoever asked has to know. */
const final = [
  'NO_AUTH',
  'INVALID_ACL',
  'BAD_ARGUMENTS',
  'NO_CHILDREN_FOR_EPHEMERALS',
  'NODE_EXISTS',
];

/** A node that has to be created anew this soon, in milliseconds, has a rival: each round then takes longer. */
const contest = 30_000;

/** How often a node is looked at that another session has, in milliseconds. */
const heldInterval = 500;

interface Waiter {
  settle(error?: unknown): void;
}

/**
 * Creates an ephemeral node and keeps it until released: after every connection it looks whether the
 * node still stands, is ours and has our data, and mends what is not so. Resolves once it stands
 * first. When that cannot be or the signal aborts before, it rejects once nothing is left behind: where a
 * creation was sent and not answered, that takes until a server answers or the session ends.
 */
export async function keepEphemeral(
  core: Core,
  node: EphemeralOptions,
  signal: AbortSignal,
): Promise<Ephemeral> {
  const flaw = flawOf(node.path);
  if (flaw) throw refusal(node.path, 'BAD_ARGUMENTS', flaw);
  const keeper = createKeeper(core, node);
  try {
    await keeper.apply(node.data, signal);
  } catch (error) {
    await keeper.release();
    throw error;
  }
  return {
    get path() {
      return keeper.path();
    },
    update: keeper.apply,
    release: keeper.release,
    [Symbol.asyncDispose]: keeper.release,
  };
}

function createKeeper(core: Core, node: EphemeralOptions) {
  const released = new AbortController();
  const signal = AbortSignal.any([released.signal, core.signal]);
  const pokes = createLatest<true>();
  const poke = () => pokes.set(true);
  const incarnation = createIncarnation(core, node, poke, signal);
  const waiters = new Set<Waiter>();
  let wanted = node.data;
  let complaint = '';
  let release: Promise<void> | undefined;

  function settle(served: Iterable<Waiter>, error?: unknown) {
    for (const waiter of [...served]) waiter.settle(error);
  }

  /** One go at making the node what it should be: whether it has to be tried again, and whether it is new. */
  async function attempt(): Promise<'stands' | 'created' | 'again' | 'held'> {
    const served = [...waiters];
    try {
      const created = await incarnation.stand(wanted);
      settle(served);
      complaint = '';
      return created ? 'created' : 'stands';
    } catch (error) {
      if (signal.aborted || isCode(error, 'CLOSED')) return 'stands';
      if (isCode(error, ...final)) settle(served, error);
      complain(messageOf(error));
      return isCode(error, 'HELD') ? 'held' : 'again';
    }
  }

  function complain(reason: string) {
    if (reason !== complaint)
      core.log.warn(
        {
          path: node.path,
          reason,
          fix: 'it is tried again; where it is refused, let these credentials write there',
        },
        'ephemeral node does not stand',
      );
    complaint = reason;
  }

  async function keep(): Promise<void> {
    const backoff = createBackoff({ base: 50, max: 10_000 });
    let lastCreated = Number.NEGATIVE_INFINITY;
    core.connected.on(poke, signal);
    for await (const _ of pokes.values(signal)) {
      const result = await attempt();
      const contested = result === 'created' && performance.now() - lastCreated < contest;
      if (result === 'created') lastCreated = performance.now();
      if (result === 'again' || result === 'held') poke();
      if (result === 'held') await sleep(heldInterval, undefined, { signal }).catch(() => {});
      else if (contested || result === 'again') await backoff.wait(signal).catch(() => {});
      else backoff.reset();
    }
    settle(waiters, refusal(node.path, 'CLOSED', 'it was released, or its session closed'));
  }

  async function withdraw(): Promise<void> {
    released.abort();
    await kept;
    await incarnation.remove();
  }

  const kept = keep();
  return {
    path: incarnation.path,
    apply(data: Buffer, outer?: AbortSignal): Promise<void> {
      wanted = data;
      return new Promise((resolve, reject) => {
        let off = () => {};
        const waiter: Waiter = {
          settle(error) {
            waiters.delete(waiter);
            off();
            if (error === undefined) resolve();
            else reject(error);
          },
        };
        waiters.add(waiter);
        if (outer)
          off = onAbort(outer, () =>
            waiter.settle(refusal(node.path, 'ABORTED', 'aborted', outer.reason)),
          );
        if (signal.aborted) waiter.settle(refusal(node.path, 'CLOSED', 'the session is closed'));
        else poke();
      });
    },
    release(): Promise<void> {
      release ??= withdraw();
      return release;
    },
  };
}

function refusal(path: string, code: string, reason: string, cause?: unknown): ZooKeeperError {
  return new ZooKeeperError({ code, operation: 'keep', path, reason, cause });
}
