import type { OperationOptions } from '../contract.ts';
import { isCode } from '../error.ts';
import type { Core } from '../session/core.ts';

/** Deletes the nodes of a resumed session that nobody keeps; what other sessions own is left alone. */
export async function dropUnclaimed(
  core: Core,
  isLeft: (path: string, data: Buffer) => boolean = () => true,
  within: OperationOptions = {},
): Promise<void> {
  for (const path of core.inherited.paths()) {
    const data = await core.inherited.data(path, within);
    if (data && !isLeft(path, data)) continue;
    const owner = (await core.nodes.exists(path, within))?.ephemeralOwner;
    const ours = owner !== undefined && (owner === core.sessionId() || core.isFormer(owner));
    if (ours && core.inherited.has(path))
      await core.nodes.remove(path, within).catch((error) => {
        if (!isCode(error, 'NO_NODE')) throw error;
      });
    core.inherited.take(path);
  }
}
