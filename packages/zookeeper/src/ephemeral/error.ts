import { ZooKeeperError } from '../error.ts';

/** Why an ephemeral node cannot be kept. Its own code beside ZooKeeper's is `HELD`: another session has the node. */
export function keepError(
  path: string,
  facts: { readonly code: string; readonly reason: string; readonly cause?: unknown },
): ZooKeeperError {
  return new ZooKeeperError({ operation: 'keep', path, ...facts });
}
