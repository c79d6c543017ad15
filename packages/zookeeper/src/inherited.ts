import type { OperationOptions } from './contract.ts';
import type { Core } from './core.ts';
import { isCode } from './error.ts';

/** Deletes the nodes of a resumed session that nobody keeps; what other sessions own is left alone. */
export async function dropUnclaimed(core: Core, within?: OperationOptions): Promise<void> {
  for (const path of [...core.inherited]) {
    const owner = (await core.nodes.exists(path, within))?.ephemeralOwner;
    const ours = owner !== undefined && (owner === core.sessionId() || core.isFormer(owner));
    if (ours && core.inherited.has(path))
      await core.nodes.remove(path, within).catch((error) => {
        if (!isCode(error, 'NO_NODE')) throw error;
      });
    core.inherited.delete(path);
  }
}
