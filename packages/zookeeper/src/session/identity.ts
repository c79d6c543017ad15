import { type Credentials, sessionIdOf } from '../connection/credentials.ts';

/** The session that this process has with the servers, and those that it had before. */
export interface Identity {
  /** What the next connection asks for; undefined for a new session. */
  readonly credentials: Credentials | undefined;
  /** The session's id, 0 before the first. */
  id(): bigint;
  /** Whether a node's owner is a session that the present one replaced. */
  isPrevious(owner: bigint): boolean;
  /** Whether a node's owner is the present session or a previous one. */
  owns(owner: bigint): boolean;
  /** Sets what a server granted. */
  update(credentials: Credentials): void;
  /** Gives the session up: the next connection asks for a new one. */
  discard(): void;
}

/** Starts with the session that an earlier process handed off, or without one. */
export function createIdentity(resumed: Credentials | undefined): Identity {
  const previous = new Set<bigint>();
  let credentials = resumed;
  const id = () => (credentials ? sessionIdOf(credentials) : 0n);

  return {
    get credentials() {
      return credentials;
    },
    id,
    isPrevious: (owner) => previous.has(owner),
    owns: (owner) => owner === id() || previous.has(owner),
    update(granted) {
      credentials = granted;
    },
    discard() {
      if (credentials) previous.add(sessionIdOf(credentials));
      credentials = undefined;
    },
  };
}
