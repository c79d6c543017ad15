import type { Log } from '@smartstack/daemon';
import type { ACL } from 'node-zookeeper-client';
import type { Inherited } from '../ephemeral/inherited.ts';
import type { Watches } from '../watch/watches.ts';
import type { Gate } from './gate.ts';
import type { Hub } from './hub.ts';
import type { Measures } from './metrics.ts';
import type { Nodes } from './nodes.ts';
import type { Operations } from './operations.ts';

/** What a session offers to its own parts, `ephemeral` and `children`. */
export interface Core {
  readonly operations: Operations;
  readonly nodes: Nodes;
  readonly watches: Watches;
  readonly acl: readonly ACL[];
  /** Emits after each connection; all watches are gone then, and the session may be another one. */
  readonly connected: Hub<void>;
  /** Counts connections. */
  epoch(): number;
  /** The present session's id, 0 before the first. */
  sessionId(): bigint;
  /** Whether a node's owner is a session that this one took the place of. */
  isFormer(owner: bigint): boolean;
  /** The ephemeral nodes that someone keeps, by path. */
  readonly kept: Set<string>;
  /** Nodes of a resumed session that nobody keeps yet. */
  readonly inherited: Inherited;
  /** Whether an earlier process had the session, which may have created nodes that it died too soon to note. */
  readonly resumed: boolean;
  /** The session timeout, in milliseconds. */
  timeout(): number;
  readonly resyncInterval: number;
  /** Whether a child is neither to be read nor watched, since its name says all. */
  wholeNames(name: string): boolean;
  /** Bounds how many reads of members, and sweeps over them, are under way: thousands at once would block the process. */
  readonly reading: Gate;
  readonly sweeping: Gate;
  /** Aborts when the session is closed or handed off. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly measures: Measures;
}
