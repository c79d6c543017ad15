import { createBackoff, messageOf } from '@smartstack/daemon';

import type { EphemeralOptions } from '../contract.ts';
import { isCode, orGone } from '../error.ts';
import { parentOf } from '../path.ts';
import type { SessionContext } from '../session/context.ts';
import { exists } from '../wire/reads.ts';
import { remove, set } from '../wire/writes.ts';
import { createCreation } from './creation.ts';
import { createCurrent } from './current.ts';
import { keepError } from './error.ts';
import { inspectNode } from './inspect.ts';
import { claimNode } from './unclaimed.ts';

/** The node on the server that an `ephemeral` keeps; after a lost session it is another one. */
export interface EphemeralNode {
  /** Its path now; before it exists, the path that was asked for. */
  path(): string;
  /** Makes sure that it exists, is this session's and has this data; true when it had to be created. */
  ensure(data: Buffer): Promise<boolean>;
  /** Deletes it, however long that takes; ends early with the session. Never rejects. */
  remove(): Promise<void>;
}

/** After this many rounds of finding and creating, another process must be deleting the node. */
const maxRounds = 6;

const fix = 'it is tried again; where it is refused, let these credentials delete there';

/** `onEvent` is called when something happened to the node; `signal` ends `ensure` and the events. */
export function createEphemeralNode(
  context: SessionContext,
  { onEvent, ...node }: EphemeralOptions & { onEvent(): void },
  signal: AbortSignal,
): EphemeralNode {
  const { identity, unclaimed } = context;
  const { submit } = context.operations;
  const current = createCurrent(context, onEvent, signal);
  const creation = createCreation(context, current, signal);
  let wanted: EphemeralOptions = node;

  const inspect = (path: string) => inspectNode({ context, current, path }, signal);

  /** Creates the node unless one of ours exists. */
  async function create(): Promise<void> {
    try {
      await creation.create(wanted);
    } catch (error) {
      if (isCode(error, 'NO_NODE')) await context.nodes.makePath(parentOf(node.path), { signal });
      else if (!isCode(error, 'NODE_EXISTS')) throw error;
      else await replaceStale(error);
    }
  }

  /** The path is taken: by our own node, by a previous session's, which is replaced, or by another session's. */
  async function replaceStale(error: Error): Promise<void> {
    const stat = await submit(exists(node.path, { kind: 'urgent' }), { signal });
    if (!stat || (await inspect(node.path)) === 'ours') return;
    const { ephemeralOwner: owner } = stat;
    if (owner === 0n) throw error;
    if (!identity.isPrevious(owner)) throw heldByAnother(node.path);
    await creation.replace(node.path, wanted);
  }

  /** Finds the node or creates it; gives up for now when it is deleted again and again. */
  async function findOrCreate(): Promise<boolean> {
    for (let round = 0; round < maxRounds; round++) {
      const path =
        current.node?.path ??
        (await claimNode(unclaimed, wanted, signal)) ??
        (await creation.findUnrecorded(wanted, signal));
      const verdict = path === undefined ? 'gone' : await inspect(path);
      if (verdict === 'ours') return round > 0;
      if (verdict === 'stale' && path !== undefined) {
        await orGone(creation.replace(path, wanted), undefined);
      } else {
        current.set(undefined);
        if (path === undefined || !node.sequential) await orGone(create(), undefined);
      }
    }
    throw keepError(node.path, { code: 'NO_NODE', reason: 'it is taken away again and again' });
  }

  async function removeOnce(ending: AbortSignal): Promise<void> {
    const path = current.node?.path ?? (await creation.findUnanswered(wanted, ending));
    if (path === undefined) return;
    const isKnown = current.node?.owner === identity.id();
    const owner = isKnown
      ? identity.id()
      : (await submit(exists(path), { signal: ending }))?.ephemeralOwner;
    if (owner !== undefined && identity.owns(owner)) await submit(remove(path), { signal: ending });
  }

  return {
    path: () => current.node?.path ?? node.path,
    async ensure(data) {
      wanted = { ...node, data };
      const created = await findOrCreate();
      const { node: found } = current;
      if (found && found.data?.equals(data) !== true) {
        await submit(set(found.path, data), { signal });
        current.set({ ...found, data });
      }
      return created;
    },
    async remove() {
      const { signal: ending } = context;
      const backoff = createBackoff({ base: 50, max: 5_000 });
      let lastReason = '';
      while (!ending.aborted) {
        try {
          await removeOnce(ending);
          return current.set(undefined);
        } catch (error) {
          if (isCode(error, 'NO_NODE')) return current.set(undefined);
          const reason = messageOf(error);
          if (reason !== lastReason && !ending.aborted)
            context.log.warn({ path: node.path, reason, fix }, 'cannot remove an ephemeral node');
          lastReason = reason;
          await backoff.wait(ending).catch(() => {});
        }
      }
    },
  };
}

/** A live session has the node: it is checked again until that session has ended. */
function heldByAnother(path: string): Error {
  const reason = 'another session keeps it, and has it until that session ends';
  return keepError(path, { code: 'HELD', reason });
}
