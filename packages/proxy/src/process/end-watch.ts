import { connect, type NetConnectOpts, type Socket } from 'node:net';

/** A connection to a process that is kept open to notice the process' end at once, without asking for it. */
export interface EndWatch extends Disposable {
  /** Connects unless it is connected; the signal aborts when it closes. Undefined if no process listens. */
  hold(): Promise<AbortSignal | undefined>;
  /** Closes it; the next `hold` connects again. */
  drop(): void;
}

/**
 * A connection to a UNIX socket, or another. A proxy's master or admin socket may keep idle
 * clients; one that closes them is connected to again by the first `hold` after `lifetime` milliseconds, before it
 * closes by itself.
 */
export function createEndWatch(
  to: string | NetConnectOpts,
  lifetime = Number.POSITIVE_INFINITY,
): EndWatch {
  const place = typeof to === 'string' ? { path: to } : to;
  let socket: Socket | undefined;
  let closed: AbortSignal | undefined;
  let end = 0;

  function drop(): void {
    socket?.destroy();
    socket = closed = undefined;
  }

  return {
    hold: async () => {
      if (closed && !closed.aborted && performance.now() < end) return closed;
      drop();
      socket = connect(place);
      end = performance.now() + lifetime;
      closed = await closingOf(socket);
      return closed;
    },
    drop,
    [Symbol.dispose]: drop,
  };
}

/** Aborts when a connection closes; undefined if it does not open, which a UNIX socket tells at once. */
function closingOf(socket: Socket): Promise<AbortSignal | undefined> {
  const ended = new AbortController();
  socket.on('error', () => {});
  socket.resume();
  return new Promise((resolve) => {
    socket.once('connect', () => resolve(ended.signal));
    socket.once('close', () => {
      ended.abort();
      resolve(undefined);
    });
  });
}
