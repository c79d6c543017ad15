import type { SessionContext } from '../session/context.ts';

/** The node that an ephemeral has now. */
export interface CurrentNode {
  readonly path: string;
  /** The id of the session that created it. */
  readonly owner: bigint;
  /** What was last written; undefined for a node that was taken over and not read. */
  readonly data: Buffer | undefined;
}

/** Which node an ephemeral has now; the session knows its path as kept, and events of it are followed. */
export interface Current {
  readonly node: CurrentNode | undefined;
  set(node: CurrentNode | undefined): void;
}

/** `onEvent` is called when something happened to the node, until the signal aborts. */
export function createCurrent(
  { kept, watches }: SessionContext,
  onEvent: () => void,
  signal: AbortSignal,
): Current {
  let current: CurrentNode | undefined;
  let following = new AbortController();

  function move(path: string | undefined) {
    following.abort();
    following = new AbortController();
    if (current) kept.delete(current.path);
    if (path === undefined) return;
    kept.add(path);
    watches.follow(path, onEvent, AbortSignal.any([following.signal, signal]));
  }

  return {
    get node() {
      return current;
    },
    set(node) {
      if (node?.path !== current?.path) move(node?.path);
      current = node;
    },
  };
}
