import type { Node } from './announcement.ts';

/** Nodes that several announcements of this process have in common: one takes another's place in the same node. */
export interface SharedNodes {
  /** The node at a path, opened by the first that wants it. It has the content of the latest, and goes with the last. */
  use(path: string, data: Buffer, open: () => Promise<Node>, signal: AbortSignal): Promise<Node>;
}

export function createSharedNodes(): SharedNodes {
  const nodes = new Map<string, { readonly opened: Promise<Node>; users: number }>();

  async function leave(path: string): Promise<void> {
    const entry = nodes.get(path);
    if (!entry || --entry.users > 0) return;
    nodes.delete(path);
    const node = await entry.opened.catch(() => undefined);
    await node?.release();
  }

  return {
    use: async (path, data, open, signal) => {
      const present = nodes.get(path);
      const entry = present ?? { opened: open(), users: 0 };
      nodes.set(path, entry);
      entry.users++;
      try {
        const node = await entry.opened;
        if (present) await node.update(data, signal);
        return {
          wanted: node.wanted,
          get path() {
            return node.path;
          },
          update: node.update,
          release: () => leave(path),
        };
      } catch (error) {
        await leave(path);
        throw error;
      }
    },
  };
}
