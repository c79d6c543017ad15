import { messageOf } from '@smartstack/daemon';

import type { ProxyDriver } from './proxy.ts';

/** What a driver says of itself; where it throws, that it does, so that the others are shown all the same. */
export function statusOf(driver: ProxyDriver): unknown {
  try {
    return driver.status();
  } catch (error) {
    return { trouble: `cannot show its status: ${messageOf(error)}` };
  }
}
