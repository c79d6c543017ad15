import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A connection to a process that is kept open to notice the process' end at once, without asking for it. */
export interface Line extends Disposable {
  /** Connects unless it is connected; the signal aborts when the other side closes. Undefined where nobody listens. */
  hold(signal: AbortSignal): Promise<AbortSignal | undefined>;
}

/** A line to a UNIX socket, such as the one of HAProxy's master, which lets an idle client be. */
export function createLine(path: string): Line {
  let socket: Socket | undefined;
  let closed: AbortSignal | undefined;

  async function dial(signal: AbortSignal): Promise<AbortSignal | undefined> {
    const own = connect(path);
    const ended = new AbortController();
    own.on('error', () => {});
    own.once('close', () => ended.abort());
    own.resume();
    socket = own;
    try {
      await once(own, 'connect', { signal });
    } catch {
      own.destroy();
      return undefined;
    }
    return ended.signal;
  }

  return {
    hold: async (signal) => {
      if (!closed || closed.aborted) closed = await dial(signal);
      return closed;
    },
    [Symbol.dispose]: () => {
      socket?.destroy();
    },
  };
}
