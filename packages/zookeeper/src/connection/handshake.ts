import { onAbort } from '../abort.ts';
import { type Connection, type ConnectionOptions, startConnection } from './connection.ts';
import { HandshakeTimeout, SessionExpired } from './errors.ts';

/**
 * Opens a connection and a session on it. Rejects with `SessionExpired` or with why it could not be
 * done; then, and when the signal aborts, nothing is left open.
 */
export async function openConnection(
  options: ConnectionOptions,
  signal: AbortSignal,
): Promise<Connection> {
  const connection = startConnection(options);
  const { server, destroy } = connection;
  const late = `${server} did not answer within ${options.handshake} ms`;
  const timer = setTimeout(() => destroy(new HandshakeTimeout(late)), options.handshake);
  const off = onAbort(signal, () => destroy(new Error(`the attempt on ${server} was given up`)));
  try {
    await untilConnected(connection);
    return connection;
  } finally {
    clearTimeout(timer);
    off();
  }
}

/** Resolves once the server has granted the session; rejects with why the connection is gone. */
function untilConnected({ client, server, gone, destroy }: Connection): Promise<void> {
  return new Promise((resolve, reject) => {
    onAbort(gone, () => reject(gone.reason));
    client.once('expired', () => destroy(new SessionExpired(`${server} ended the session`)));
    client.once('authenticationFailed', () =>
      destroy(new Error(`${server} refused the credentials`)),
    );
    client.once('connected', () => resolve());
  });
}
