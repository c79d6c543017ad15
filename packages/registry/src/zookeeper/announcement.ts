import type { Log } from '@smartstack/daemon';
import type { Session } from '@smartstack/zookeeper';

import { type Instance, isBadRecord } from '../instance/instance.ts';
import { decodeEither } from '../instance/serverset.ts';
import type { Announcement } from '../registry.ts';
import { keepPersistent } from './persistent.ts';
import { encodeRecord, nodePathOf, type RecordForm } from './record.ts';
import type { Node, SharedNodes } from './shared-nodes.ts';

export interface RecordOptions {
  readonly session: Session;
  readonly log: Log;
  readonly path: string;
  readonly form: RecordForm;
  readonly shared: SharedNodes;
}

export interface RecordAnnouncement extends Announcement {
  /** The node's whole path, where it is known. */
  readonly path: string;
}

/** Announces an instance as one node of the form that is asked for. */
export async function announceRecord(
  options: RecordOptions,
  instance: Instance,
  signal: AbortSignal,
): Promise<RecordAnnouncement> {
  let node = await createNode(options, instance, signal);
  const replaced = new Set<Node>();
  return {
    get path() {
      return node.path;
    },
    update: async (next, updateSignal) => {
      const { path, form } = options;
      if (nodePathOf(path, next, form) === node.wanted)
        await node.update(encodeRecord(next, form), updateSignal);
      else {
        // The name holds the instance: the new node is created before the old one is removed.
        const old = node;
        node = await createNode(options, next, updateSignal);
        replaced.add(old);
      }
      await releaseAll(replaced);
    },
    [Symbol.asyncDispose]: () => releaseAll(replaced.add(node)),
  };
}

/** Releases nodes and takes them out of the set; one that cannot be removed stays in it, to be tried again. */
async function releaseAll(nodes: Set<Node>): Promise<void> {
  for (const each of [...nodes]) {
    await each.release();
    nodes.delete(each);
  }
}

async function createNode(
  { session, log, path: parent, form, shared }: RecordOptions,
  instance: Instance,
  signal: AbortSignal,
): Promise<Node> {
  const { nodeType = 'ephemeral_sequential', ttl } = form;
  const path = nodePathOf(parent, instance, form);
  const data = encodeRecord(instance, form);
  const open = async (): Promise<Node> => {
    if (nodeType === 'persistent' || nodeType === 'persistent_sequential') {
      const options = { path, data, mode: nodeType, ttl, taken: shared.taken, log };
      return withWanted(path, await keepPersistent(session, options, signal));
    }
    const sequential = nodeType === 'ephemeral_sequential';
    const isSame = (other: Buffer) => isRecordOf(other, instance);
    return withWanted(path, await session.ephemeral({ path, data, sequential, isSame }, signal));
  };
  // Without a sequence number, another announcement may have the very same node.
  return nodeType === 'ephemeral' || nodeType === 'persistent'
    ? shared.use(path, data, open, signal)
    : open();
}

/** Whether a record is one of the same instance, whatever its weight and labels are by now. */
function isRecordOf(data: Buffer, { name, host, port }: Instance): boolean {
  const found = decodeEither('', data);
  return !isBadRecord(found) && found.name === name && found.host === host && found.port === port;
}

/** The node's path may change, so that it is a getter. */
function withWanted(path: string, node: Omit<Node, 'wanted'>): Node {
  return {
    wanted: path,
    get path() {
      return node.path;
    },
    update: node.update,
    release: node.release,
  };
}
