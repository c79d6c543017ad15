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

/** What an operator has set for one service, in place of what its checks and its configuration say. */
export interface Override {
  readonly downtime?: Downtime | undefined;
  readonly weight?: number | undefined;
}

/** Operators' overrides by service; they outlive nerve. */
export interface Overrides {
  of(service: string): Override;
  /** Replaces a service's override and saves it; rejects when that cannot be written. */
  set(service: string, override: Override): Promise<void>;
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

/** Opens the overrides in a folder; without one they last as long as this process. */
export async function openOverrides(directory: string | false, log: Log): Promise<Overrides> {
  const file = directory === false ? undefined : join(directory, 'orders.json');
  const overrides = new Map<string, Override>(
    Object.entries((file && (await readJson(file, schema, log))) || {}),
  );
  const save = file === undefined ? async () => {} : createWriter(file, overrides);
  return {
    of: (service) => overrides.get(service) ?? {},
    set: (service, override) => {
      const { downtime, weight } = override;
      if (downtime || weight !== undefined) overrides.set(service, override);
      else overrides.delete(service);
      return save();
    },
  };
}

/** Writes all overrides, one write at a time: changes that come while one is under way share the next. */
function createWriter(file: string, overrides: ReadonlyMap<string, Override>): () => Promise<void> {
  let running = Promise.resolve();
  let next: Promise<void> | undefined;

  async function write(): Promise<void> {
    next = undefined;
    try {
      await makeFolder(file);
      await writeFileAtomic(file, `${JSON.stringify(Object.fromEntries(overrides))}\n`, 0o600);
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
