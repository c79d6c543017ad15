import type { Address, Host } from './address.ts';
import type { Connection, ConnectionOptions } from './connection.ts';
import type { Credentials } from './credentials.ts';
import { HandshakeTimeout, SessionExpired, TurnedAway } from './errors.ts';
import { openConnection } from './handshake.ts';
import { createHostProvider } from './host-provider.ts';

/** Where to and how, for all connections of a session. */
export interface DialerOptions extends Pick<ConnectionOptions, 'auth' | 'tls' | 'timeout'> {
  readonly hosts: readonly Host[];
}

/** What a connection is opened with. */
export interface Dialing {
  /** The session to go on with; a new one when undefined. */
  readonly credentials: Credentials | undefined;
  /** The session timeout that was granted last, in milliseconds. */
  readonly timeout: number;
}

/** Opens connections to the servers in turn. */
export interface Dialer {
  /**
   * Waits for its turn and tries one server. Rejects with `SessionExpired` when that server knows that the
   * session is gone, and with why there is no connection otherwise.
   */
  dial(dialing: Dialing, signal: AbortSignal): Promise<Connection>;
  /** Starts over with short pauses between attempts. */
  reset(): void;
}

export function createDialer({ hosts, auth, tls, timeout: asked }: DialerOptions): Dialer {
  const provider = createHostProvider(hosts);

  function open(address: Address, { credentials, timeout }: Dialing, signal: AbortSignal) {
    const handshake = provider.attemptTimeout(timeout);
    return openConnection({ address, credentials, timeout: asked, handshake, auth, tls }, signal);
  }

  return {
    async dial(dialing, signal) {
      const address = await provider.next(dialing.timeout, signal);
      try {
        return await open(address, dialing, signal);
      } catch (error) {
        if (error instanceof HandshakeTimeout) provider.timedOut();
        if (error instanceof TurnedAway && dialing.credentials)
          await checkExpired(open(address, withoutZxid(dialing), signal));
        throw error;
      }
    },
    reset: provider.reset,
  };
}

/**
 * A server that is behind what the session has seen closes the connection without an answer, whether it is
 * late or was rebuilt empty. Asked with a zxid of 0, it asks its leader whether the session exists, and answers.
 */
function withoutZxid({ credentials, timeout }: Dialing): Dialing {
  return { credentials: credentials && { ...credentials, zxid: Buffer.alloc(8) }, timeout };
}

/**
 * Rejects with `SessionExpired` where the server does not know the session. A connection that comes of the
 * attempt is not used: that server's data is older than what is known here.
 */
async function checkExpired(attempt: Promise<Connection>): Promise<void> {
  const opened = await attempt.catch((error: unknown) => {
    if (error instanceof SessionExpired) throw error;
    return undefined;
  });
  opened?.destroy(new Error(`${opened.server} is behind what the session has seen`));
}
