import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

import type { CrowdNews, CrowdOrder, CrowdOrders } from './crowd.ts';

/** When the last watcher knew, on the clock that all processes share, and bytes over all sessions so far. */
export interface Known {
  readonly at: number;
  readonly sent: number;
  readonly received: number;
}

/** All watchers, in a few processes. */
export interface Crowds extends AsyncDisposable {
  /** What they had read when the last of them had connected and knew all members. */
  readonly first: Known;
  /** Has all of them expect this number of members next; `known` then resolves once the last has them. */
  aim(members: number): Promise<{ readonly known: Promise<Known> }>;
  /** Has every session ping so many times. */
  ping(times: number): Promise<void>;
}

const program = fileURLToPath(new URL('crowd.ts', import.meta.url));

/** Starts them in so many processes; resolves once every watcher knows every member. */
export async function gatherCrowds(processes: number, orders: CrowdOrders): Promise<Crowds> {
  const own = { ...orders, sessions: orders.sessions / processes };
  const crowds = Array.from({ length: processes }, () => fork(program, [JSON.stringify(own)]));
  const known = async () => latest(await Promise.all(crowds.map(next<Known>)));
  async function tell(order: CrowdOrder): Promise<void> {
    const ready = Promise.all(crowds.map(next));
    for (const crowd of crowds) crowd.send(order);
    await ready;
  }

  return {
    first: await known(),
    async aim(members) {
      await tell({ members });
      return { known: known() };
    },
    ping: (pings) => tell({ pings }),
    async [Symbol.asyncDispose]() {
      const ended = Promise.all(crowds.map((crowd) => once(crowd, 'exit')));
      for (const crowd of crowds) crowd.kill('SIGKILL');
      await ended;
    },
  };
}

async function next<T = CrowdNews>(crowd: ChildProcess): Promise<T> {
  const heard = new AbortController();
  const failed = once(crowd, 'exit', heard).then(([code]) => {
    throw new Error(`cannot watch with a crowd: it ended (${code})`);
  });
  try {
    const [news] = await Promise.race([once(crowd, 'message'), failed]);
    return news as T;
  } finally {
    failed.catch(() => {});
    heard.abort();
  }
}

function latest(all: readonly Known[]): Known {
  const sum = (pick: (one: Known) => number) => all.reduce((total, one) => total + pick(one), 0);
  return {
    at: Math.max(...all.map(({ at }) => at)),
    sent: sum(({ sent }) => sent),
    received: sum(({ received }) => received),
  };
}
