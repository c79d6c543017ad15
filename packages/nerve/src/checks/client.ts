import { Socket } from 'node:net';

import { hasCode, messageOf } from '@smartstack/daemon';

/**
 * Loads an optional client library, when a check that needs it is created; rejects with what to install
 * when it is not there.
 */
export async function loadClient<T>(name: string, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    const missing = hasCode(error, 'ERR_MODULE_NOT_FOUND');
    const reason = missing ? `not installed; try: npm install ${name}` : messageOf(error);
    throw new Error(`cannot load ${name}: ${reason}`, { cause: error });
  }
}

/** The longest answer that is read: no database sends more to a check. */
const limit = 1_048_576;

/** A socket for a client library to connect, which ends with the signal. */
export function socketUntil(signal: AbortSignal): Socket {
  const socket = new Socket({ signal });
  // Errors are reported by the library, for as long as it has a listener.
  socket.on('error', () => {});
  socket.once('connect', () =>
    socket.on('data', () => {
      if (socket.bytesRead > limit) socket.destroy(new Error('the answer is too long'));
    }),
  );
  return socket;
}
