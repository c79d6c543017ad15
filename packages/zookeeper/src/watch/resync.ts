import { setTimeout as sleep } from 'node:timers/promises';

import { join } from '../path.ts';
import type { SessionContext } from '../session/context.ts';
import { exists } from '../wire/reads.ts';
import { inBatches } from './batches.ts';
import type { Changes } from './changes.ts';
import type { ChildrenCache } from './children-cache.ts';

/** Up to this many children are all compared by one resync. */
const fewChildren = 3;

export interface ResyncOptions {
  readonly context: SessionContext;
  readonly path: string;
  readonly cache: ChildrenCache;
  readonly changes: Changes;
}

/** Compares what is cached with the server, by versions and without reading data; what differs is due as a change. */
export interface Resync {
  /** Leaves a watch on each child that has none on this connection, while everything else goes on. */
  rewatch(): void;
  /** Compares the list, and some of the children while everything else goes on; the others follow next time. */
  compare(): Promise<void>;
}

export function createResync(options: ResyncOptions, signal: AbortSignal): Resync {
  const { context, path, cache, changes } = options;
  const { submit } = context.operations;
  let isRewatching = false;
  let turn = 0;

  /** Leaves a watch on one child; one that changed is due. */
  async function watch(name: string): Promise<void> {
    const epoch = context.epoch();
    const request = exists(join(path, name), { watch: true, kind: 'background' });
    const now = await submit(request, { signal });
    const cached = cache.get(name);
    if (!cached) return;
    const hadWatch = cached.epoch === epoch;
    cache.set(name, { ...cached, epoch: Math.max(epoch, cached.epoch), isToCompare: false });
    if (now?.mzxid === cached.child.stat?.mzxid) return;
    if (cached.isToCompare && hadWatch && !changes.isDue(name)) reportLostWatch();
    changes.add({ children: [name], list: now === undefined });
  }

  const unwatched = () =>
    cache.names().filter((name) => {
      const cached = cache.get(name);
      if (!cached?.child.stat) return false;
      return cached.epoch !== context.epoch() || cached.isToCompare;
    });

  async function rewatchAll(): Promise<void> {
    isRewatching = true;
    try {
      for (let due = unwatched(); due.length > 0 && !signal.aborted; due = unwatched())
        await inBatches(context.backgroundGate, due, watch);
    } catch {
      await sleep(1_000, undefined, { signal }).catch(() => {});
      changes.add({ rewatch: true });
    }
    isRewatching = false;
  }

  /** The children that were not compared for longest: all of a few, else an eighth. */
  function nextToCompare(): readonly string[] {
    const names = cache.names().filter((name) => cache.get(name)?.child.stat);
    const count = Math.max(fewChildren, Math.ceil(names.length / 8));
    const from = turn * count;
    turn = from + count < names.length ? turn + 1 : 0;
    return names.slice(from, from + count);
  }

  function reportLostWatch() {
    context.measures.lostWatch();
    context.log.warn({ path }, 'no watch told of a change');
  }

  return {
    rewatch() {
      if (!isRewatching) void rewatchAll();
    },
    async compare() {
      const now = await submit(exists(path, { kind: 'background' }), { signal });
      const { stat } = cache;
      const isSame = now?.czxid === stat?.czxid && now?.childrenVersion === stat?.childrenVersion;
      if (!isSame && !changes.isDue()) {
        reportLostWatch();
        changes.add({ list: true });
      }
      for (const name of nextToCompare()) {
        const cached = cache.get(name);
        if (cached) cache.set(name, { ...cached, isToCompare: true });
      }
      changes.add({ rewatch: true });
    },
  };
}
