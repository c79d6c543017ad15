import { connect, type Socket } from 'node:net';

/** A connection to a process that is kept open to notice the process' end at once, without asking for it. */
export interface EndWatch extends Disposable {
  /** Connects unless it is connected; the signal aborts when it closes. Undefined where nobody listens. */
  hold(): Promise<AbortSignal | undefined>;
  /** Closes it; the next `hold` connects again. */
  drop(): void;
}

/**
 * A line to a UNIX socket, such as the one of HAProxy's master, which lets an idle client be. One that does not
 * is connected to again by the first `hold` after `lifetime` milliseconds, before it closes by itself.
 */
export function createEndWatch(path: string, lifetime = Number.POSITIVE_INFINITY): EndWatch {
  let socket: Socket | undefined;
  let closed: AbortSignal | undefined;
  let end = 0;

  /** At a UNIX socket it is known at once whether somebody listens. */
  async function dial(): Promise<AbortSignal | undefined> {
    drop();
    const own = connect(path);
    const ended = new AbortController();
    socket = own;
    end = performance.now() + lifetime;
    own.on('error', () => {});
    own.resume();
    return new Promise((resolve) => {
      own.once('connect', () => resolve(ended.signal));
      own.once('close', () => {
        ended.abort();
        resolve(undefined);
      });
    });
  }

  function drop(): void {
    socket?.destroy();
    socket = closed = undefined;
  }

  return {
    hold: async () => {
      if (!closed || closed.aborted || performance.now() >= end) closed = await dial();
      return closed;
    },
    drop,
    [Symbol.dispose]: drop,
  };
}
