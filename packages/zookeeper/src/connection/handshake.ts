import { onAbort } from '../abort.ts';
import { type Connection, type ConnectionOptions, startConnection } from './connection.ts';
import { HandshakeTimeout, SessionExpired } from './errors.ts';

/**
 * Opens a connection and a session on it. Rejects with `SessionExpired` or with why it could not be
 * done; then, and when the signal aborts, nothing is left open.
 */
export function openConnection(
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const connection = startConnection(options);
  const { client, server, gone, destroy } = connection;

  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () =>
        destroy(new HandshakeTimeout(`${server} did not answer within ${options.handshake} ms`)),
      options.handshake,
    );
    let off = () => {};
    const settle = () => {
      clearTimeout(timer);
      off();
    };
    onAbort(gone, () => {
      settle();
      reject(gone.reason);
    });
    off = onAbort(signal, () => destroy(new Error(`the attempt on ${server} was given up`)));
    client.once('expired', () => destroy(new SessionExpired(`${server} ended the session`)));
    client.once('authenticationFailed', () =>
      destroy(new Error(`${server} refused the credentials`)),
    );
    client.once('connected', () => {
      settle();
      resolve(connection);
    });
  });
}
