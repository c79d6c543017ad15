import { setTimeout as sleep } from 'node:timers/promises';

import { UserError } from '@smartstack/daemon';
import { z } from 'zod';

import type { Client } from './client.ts';

export interface WaitOptions {
  readonly service: string;
  /** At least so many are waited for. */
  readonly members: number;
  /** For so long, in milliseconds. */
  readonly timeout: number;
}

const entry = z.object({ index: z.number(), stale: z.boolean(), members: z.array(z.unknown()) });

/** How soon a synapse that does not answer, or does not know the service, is asked again, in milliseconds. */
const pause = 250;

/**
 * Waits until a service has its members by its registry; those of an earlier run do not count. Resolves
 * with how many it has then, or when the time is over; rejects when synapse never answered.
 */
export async function waitForMembers(
  client: Client,
  { service, members: wanted, timeout }: WaitOptions,
): Promise<{ readonly reached: boolean; readonly members: number }> {
  const deadline = performance.now() + timeout;
  let known = '';
  let members: number | undefined;
  let failure: unknown;
  for (let left = timeout; ; left = deadline - performance.now()) {
    const query = known === '' ? '' : `?index=${known}&wait=${Math.max(0, Math.ceil(left))}ms`;
    try {
      const path = `/v1/services/${encodeURIComponent(service)}${query}`;
      const now = entry.parse(await client.get(path));
      known = String(now.index);
      members = now.stale ? 0 : now.members.length;
      if (!now.stale && members >= wanted) return { reached: true, members };
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failure = error;
      known = '';
      await sleep(Math.min(pause, Math.max(0, left)));
    }
    if (performance.now() < deadline) continue;
    if (members === undefined) throw failure;
    return { reached: false, members };
  }
}
