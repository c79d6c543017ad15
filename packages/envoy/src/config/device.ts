import { release } from 'node:os';

import { atLeast, type ListenAddress } from '@smartstack/proxy';

/** What an Envoy on this machine can ask for its sockets. */
export interface Kernel {
  readonly platform: NodeJS.Platform;
  readonly release: string;
  readonly isRoot: boolean;
}

const here = (): Kernel => ({
  platform: process.platform,
  release: release(),
  isRoot: process.getuid?.() === 0,
});

/**
 * The device that a listener is bound to: `lo` for a loopback address, so that a port goes from one proxy to another
 * without a loss. Of listeners that share an address, Linux gives each new connection to the group that was opened
 * last, and those of one device are another group than those of all: from then on the earlier proxy gets none, takes
 * what waits for it, and closes an empty queue. In one group both get connections, and what waits is reset on the
 * close. IPv6 has the other order; other addresses have no one device. Before 5.7 only root may ask for a device.
 */
export function deviceFor(
  { address }: ListenAddress,
  { platform, release: version, isRoot }: Kernel = here(),
): string | undefined {
  if (platform !== 'linux' || !address.startsWith('127.')) return undefined;
  return isRoot || atLeast(version, '5.7') ? 'lo' : undefined;
}
