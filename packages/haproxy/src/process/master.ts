import { exchange, isGone } from '../runtime/admin-socket.ts';
import { type Processes, parseProcesses } from '../runtime/server-state.ts';

/** Asks the socket of a master process. */
export interface Master {
  /** Its processes; rejects when no master answers. */
  processes(signal: AbortSignal): Promise<Processes>;
  /** Asks for a reload. Its result is not awaited: HAProxy 2.6 does not tell it, 3.0 only once all is loaded. */
  reload(signal: AbortSignal): Promise<void>;
}

/** A client of the master socket at a path, which keeps no connection: it stops answering after ten. */
export function createMaster(path: string, timeout = 1_000): Master {
  const ask = (command: string, signal: AbortSignal) =>
    exchange(path, `${command};quit\n`, { timeout, signal });
  return {
    processes: async (signal) => parseProcesses(await ask('show proc', signal)),
    reload: async (signal) => {
      await ask('reload', signal).catch((error: unknown) => {
        signal.throwIfAborted();
        if (isGone(error)) throw error;
      });
    },
  };
}
