import { authenticate, authenticateRequest } from '../wire/messages.ts';
import type { Connection, Metadata } from './connection.ts';
import { codes, GrpcError } from './errors.ts';

export interface Credentials {
  readonly user: string;
  /** Its password, read from its file each time that it is asked for. */
  password(): Promise<string>;
}

/** Who we are, as etcd wants to be told with each call. */
export interface Auth {
  metadata(connection: Connection): Promise<Metadata>;
  /** The token is asked for anew before the next call; does nothing where another one is in use already. */
  forget(metadata: Metadata): void;
}

const nobody: Auth = { metadata: async () => ({}), forget: () => {} };

/** Asks for a token with the first call, and again once etcd does not know it any more. */
export function createAuth(
  credentials: Credentials | undefined,
  { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal },
): Auth {
  if (!credentials) return nobody;
  let asking: Promise<Metadata> | undefined;

  async function ask(connection: Connection): Promise<Metadata> {
    const { user, password } = credentials as Credentials;
    const request = authenticateRequest(user, await password());
    try {
      const answer = await connection.call(authenticate.path, request, {
        metadata: {},
        timeout,
        signal,
      });
      return { token: authenticate.read(answer).token };
    } catch (error) {
      // Authentication is off: etcd asks nobody who they are.
      if (error instanceof GrpcError && error.code === codes.failedPrecondition) return {};
      throw error;
    }
  }

  return {
    metadata: (connection) => {
      const answer = asking ?? ask(connection);
      asking = answer;
      answer.catch(() => {
        if (asking === answer) asking = undefined;
      });
      return answer;
    },
    forget: (metadata) => {
      const last = asking;
      void last?.then(
        (known) => {
          if (known === metadata && asking === last) asking = undefined;
        },
        () => {},
      );
    },
  };
}
