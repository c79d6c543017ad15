import type { EphemeralOptions } from '../contract.ts';
import { orGone } from '../error.ts';
import { join, parentOf } from '../path.ts';
import type { SessionContext } from '../session/context.ts';
import { get, list, sync } from '../wire/reads.ts';
import { isDataOf, isPathOf } from './match.ts';

/**
 * Looks on the server for nodes that can be an ephemeral's: of this session or a previous one, and
 * not kept by another ephemeral; the newest first.
 */
export async function* findOwnNodes(
  context: SessionContext,
  wanted: EphemeralOptions,
  signal: AbortSignal,
): AsyncGenerator<{ readonly path: string; readonly owner: bigint }, void> {
  for (const path of await candidates(context, wanted, signal)) {
    const found = await orGone(
      context.operations.submit(get(path, { kind: 'urgent' }), { signal }),
      undefined,
    );
    if (!found || !context.identity.owns(found.stat.ephemeralOwner)) continue;
    if (!isDataOf(wanted, found.data) || context.kept.has(path)) continue;
    yield { path, owner: found.stat.ephemeralOwner };
  }
}

async function candidates(
  { operations, kept, unclaimed }: SessionContext,
  wanted: EphemeralOptions,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const parent = parentOf(wanted.path);
  const children = async () => {
    // Another server than the one that was asked may not know of the node yet.
    await operations.submit(sync(parent), { signal });
    return operations.submit(list(parent, { kind: 'urgent' }), { signal });
  };
  const { names } = await orGone(children(), { names: [] });
  return names
    .map((name) => join(parent, name))
    .filter((path) => isPathOf(wanted, path) && !kept.has(path) && !unclaimed.has(path))
    .sort()
    .reverse();
}
