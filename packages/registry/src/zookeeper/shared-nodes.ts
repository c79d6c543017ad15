import type { Taken } from './strays.ts';

export interface Node {
  /** Its path before the sequence number. */
  readonly wanted: string;
  readonly path: string;
  update(data: Buffer, signal: AbortSignal): Promise<void>;
  release(): Promise<void>;
}

/** Nodes that several announcements of this process share, as when one replaces another at the same path. */
export interface SharedNodes {
  /** Paths of the persistent nodes that this process keeps. */
  readonly taken: Taken;
  /** The node at a path, opened by the first that wants it. It has the content of the latest user, and is deleted with the last. */
  use(path: string, data: Buffer, open: () => Promise<Node>, signal: AbortSignal): Promise<Node>;
}

export function createSharedNodes(): SharedNodes {
  const nodes = new Map<string, { readonly opened: Promise<Node>; users: number }>();

  async function leave(path: string): Promise<Node | undefined> {
    const entry = nodes.get(path);
    if (!entry || --entry.users > 0) return undefined;
    nodes.delete(path);
    return entry.opened.catch(() => undefined);
  }

  /** Leaves once, however often it is called; the last user's release is tried again until it works. */
  function left(path: string): () => Promise<void> {
    let leaving: Promise<Node | undefined> | undefined;
    return async () => {
      leaving ??= leave(path);
      await (await leaving)?.release();
    };
  }

  return {
    taken: new Set(),
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
          release: left(path),
        };
      } catch (error) {
        await left(path)();
        throw error;
      }
    },
  };
}
