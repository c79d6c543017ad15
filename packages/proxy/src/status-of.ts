import { messageOf } from '@smartstack/daemon';

import type { ProxyDriver, Refused } from './driver.ts';

/** An output's status; an output that throws shows its error, and holds up no other. */
export function statusOf<Status>(output: {
  status(): Status;
}): Status | { readonly trouble: string } {
  try {
    return output.status();
  } catch (error) {
    return { trouble: `cannot show its status: ${messageOf(error)}` };
  }
}

/** What a driver leaves out; nothing, where it cannot say. */
export function refusedBy(driver: ProxyDriver): readonly Refused[] {
  try {
    return driver.refused();
  } catch {
    return [];
  }
}

/** Lets a driver ask its proxy what `statusOf` is to show; what it cannot ask, `statusOf` shows as it was. */
export async function refresh(driver: ProxyDriver, signal: AbortSignal): Promise<void> {
  try {
    await driver.refresh?.(signal);
  } catch {
    // The status shows what was known before.
  }
}
