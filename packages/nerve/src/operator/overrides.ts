import { join } from 'node:path';

import { type Log, messageOf, writeFileAtomic } from '@smartstack/daemon';
import { z } from 'zod';

import { makeFolder, readJson } from './state-directory.ts';

/** Why an operator keeps a service out of the registry; times of the wall clock, in milliseconds. */
export interface Downtime {
  readonly reason: string;
  readonly owner: string;
  readonly since: number;
  /** When it ends by itself. */
  readonly until?: number | undefined;
}

/** What an operator ordered for one service. */
export interface Order {
  readonly downtime?: Downtime | undefined;
  readonly weight?: number | undefined;
}

/** The orders of operators, by service; they survive nerve. */
export interface Orders {
  of(service: string): Order;
  /** Changes a service's order and notes it; rejects when that cannot be written. */
  give(service: string, order: Order): Promise<void>;
}

const schema = z.record(
  z.string(),
  z.object({
    downtime: z
      .object({
        reason: z.string(),
        owner: z.string(),
        since: z.number(),
        until: z.number().optional(),
      })
      .optional(),
    weight: z.int().min(0).optional(),
  }),
);

/** Opens the orders in a folder; without one they last as long as this process. */
export async function openOrders(directory: string | false, log: Log): Promise<Orders> {
  const file = directory === false ? undefined : join(directory, 'orders.json');
  const orders = new Map<string, Order>(
    Object.entries((file && (await readJson(file, schema, log))) || {}),
  );
  const note = file === undefined ? async () => {} : createWriter(file, orders);
  return {
    of: (service) => orders.get(service) ?? {},
    give: (service, order) => {
      const { downtime, weight } = order;
      if (downtime || weight !== undefined) orders.set(service, order);
      else orders.delete(service);
      return note();
    },
  };
}

/** Writes what is ordered by then, one write at a time: those who come while one is under way share the next. */
function createWriter(file: string, orders: ReadonlyMap<string, Order>): () => Promise<void> {
  let running = Promise.resolve();
  let next: Promise<void> | undefined;

  async function write(): Promise<void> {
    next = undefined;
    try {
      await makeFolder(file);
      await writeFileAtomic(file, `${JSON.stringify(Object.fromEntries(orders))}\n`, 0o600);
    } catch (error) {
      const reason = messageOf(error);
      throw new Error(`done, but not noted for a next nerve: ${reason}`, { cause: error });
    }
  }

  return () => {
    if (!next) {
      next = running.then(write);
      running = next.catch(() => {});
    }
    return next;
  };
}
