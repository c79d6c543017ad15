import { messageOf } from '@smartstack/daemon';

import type { ProxyDriver, Refused } from './driver.ts';

/** What an output says of itself; where it throws, that it does, so that the others are shown all the same. */
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
    // Whoever asks is shown what was known before.
  }
}
