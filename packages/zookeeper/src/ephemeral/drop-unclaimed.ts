import type { OperationOptions } from '../contract.ts';
import { orGone } from '../error.ts';
import type { SessionContext } from '../session/context.ts';

/** Deletes the nodes of a resumed session that no ephemeral has claimed; nodes of other sessions stay. */
export async function dropUnclaimed(
  { unclaimed, nodes, identity }: SessionContext,
  isStale: (path: string, data: Buffer) => boolean = () => true,
  within: OperationOptions = {},
): Promise<void> {
  for (const path of unclaimed.paths()) {
    const data = await unclaimed.data(path, within);
    if (data && !isStale(path, data)) continue;
    const owner = (await nodes.exists(path, within))?.ephemeralOwner;
    if (owner !== undefined && identity.owns(owner) && unclaimed.has(path))
      await orGone(nodes.remove(path, within), undefined);
    unclaimed.claim(path);
  }
}
