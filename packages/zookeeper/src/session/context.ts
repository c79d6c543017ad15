import type { Log } from '@smartstack/daemon';
import type { ACL } from 'node-zookeeper-client';
import type { Unclaimed } from '../ephemeral/unclaimed.ts';
import type { Gate } from '../operations/gate.ts';
import type { Nodes } from '../operations/nodes.ts';
import type { Operations } from '../operations/operations.ts';
import type { Watches } from '../watch/watches.ts';
import type { Emitter } from './emitter.ts';
import type { Identity } from './identity.ts';
import type { Measures } from './metrics.ts';

/** What a session offers to `ephemeral`, `children` and `data`. */
export interface SessionContext {
  readonly operations: Operations;
  readonly nodes: Nodes;
  readonly watches: Watches;
  readonly acl: readonly ACL[];
  /** Emits after each connection; all watches are gone then, and the session may be another one. */
  readonly connected: Emitter<void>;
  /** Counts connections. */
  epoch(): number;
  readonly identity: Identity;
  /** The paths of the ephemeral nodes that this session keeps. */
  readonly kept: Set<string>;
  readonly unclaimed: Unclaimed;
  /** Whether an earlier process had the session: it may have created nodes that it did not hand off before it died. */
  readonly resumed: boolean;
  readonly resyncInterval: number;
  /** Whether a child's name holds everything: it is neither read nor watched then. */
  wholeNames(name: string): boolean;
  /** Bounds how many batches of reads are under way: thousands at once would block the process. */
  readonly readGate: Gate;
  /** The same for background reads. */
  readonly backgroundGate: Gate;
  /** Aborts when the session is closed or handed off. */
  readonly signal: AbortSignal;
  readonly log: Log;
  readonly measures: Measures;
}
