import type { Client } from 'node-zookeeper-client';

/** Where a request is sent: one connection's library client, and the session's view of paths. */
export interface Destination {
  readonly client: Client;
  /** The path as the server knows it. */
  toServer(path: string): string;
  /** A path of the server's as the session's user knows it. */
  fromServer(path: string): string;
}

/** What the server said: 0 and a value, or its error code. */
export type Answer<T> = (code: number, value?: T) => void;

/**
 * What a request is to the queue. A `write` may have happened although no answer came. An `urgent` read goes
 * before other reads and takes nothing from the read budget; a `background` read goes after all others.
 */
export type RequestKind = 'write' | 'urgent' | 'read' | 'background';

/** One request of the protocol, not sent yet. */
export interface Request<T> {
  readonly operation: string;
  readonly path: string;
  readonly kind: RequestKind;
  send(to: Destination, answer: Answer<T>): void;
}
