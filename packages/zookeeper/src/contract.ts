import type { Log, Metrics } from '@smartstack/daemon';

/**
 * The state of a session. `suspended` means that the connection is gone and the session may well live
 * on: nothing was lost yet. `lost` means that the servers ended the session, or must have: its
 * ephemeral nodes are gone, and a new session is being opened.
 */
export type SessionState = 'idle' | 'connecting' | 'connected' | 'suspended' | 'lost' | 'closed';

export interface SessionOptions {
  /** `host:port` each (port 2181 when absent), IPv6 in brackets; a name may stand for several addresses. */
  readonly hosts: readonly string[];
  /** The path under which every path of this session lies; created when missing. */
  readonly chroot?: string;
  /** The session timeout to ask for, in milliseconds; the server may grant another. Default 10,000. */
  readonly timeout?: number;
  /** Digest credentials, sent before any operation on every connection. */
  readonly auth?: { readonly scheme: 'digest'; readonly user: string; readonly password: string };
  /** Who may do what with the nodes that this session creates; default: everyone may do everything. */
  readonly acl?: readonly Acl[];
  readonly tls?: TlsOptions;
  /** A session handed off by an earlier process: taken over if it has not expired, else a new one is opened. */
  readonly resume?: HandedOff;
  /**
   * Called with each new session, whose operations wait until this has ended: the place to save its `ticket`.
   * A rejection is logged, and the session goes on.
   */
  readonly onSession?: () => Promise<void>;
  /** At most this many operations on the wire at once. Default 512: the server works on while earlier answers are read. */
  readonly inFlight?: number;
  /** Token bucket for reads, in reads; unlimited within `inFlight` when absent. */
  readonly readBudget?: { readonly perSecond: number; readonly burst: number };
  /** How often every watched path is compared with the server, jittered, in milliseconds. Default 3,600,000. */
  readonly resyncInterval?: number;
  /**
   * Whether a child's name holds everything there is to know. Such children are neither read nor watched:
   * they come with empty data and without a stat. Default: none is.
   */
  readonly wholeNames?: (name: string) => boolean;
  readonly log?: Log;
  readonly metrics?: Metrics;
}

export interface TlsOptions {
  readonly ca?: string | Buffer;
  readonly cert?: string | Buffer;
  readonly key?: string | Buffer;
  /** The name that the server's certificate must carry; default the host's own. */
  readonly serverName?: string;
  /** Accepts any certificate; for tests only. Default false. */
  readonly insecure?: boolean;
}

export interface Acl {
  readonly scheme: 'world' | 'auth' | 'digest' | 'ip' | 'x509';
  readonly id: string;
  readonly permissions: readonly ('read' | 'write' | 'create' | 'delete' | 'admin')[];
}

export interface Stat {
  readonly czxid: bigint;
  readonly mzxid: bigint;
  readonly version: number;
  readonly childrenVersion: number;
  readonly childrenCount: number;
  readonly dataLength: number;
  /** The session that owns an ephemeral node, else 0. */
  readonly ephemeralOwner: bigint;
}

/** Options of one operation: its deadline in milliseconds (default the session timeout) and its signal. */
export interface OperationOptions {
  readonly deadline?: number;
  readonly signal?: AbortSignal;
}

export type CreateMode =
  | 'persistent'
  | 'persistent_sequential'
  | 'ephemeral'
  | 'ephemeral_sequential';

export interface Child {
  readonly name: string;
  readonly data: Buffer;
  /** Undefined for one whose name holds everything. */
  readonly stat: Stat | undefined;
}

export interface EphemeralOptions {
  /** The whole path; a sequential node's path is this with the sequence number behind it. */
  readonly path: string;
  readonly data: Buffer;
  readonly sequential?: boolean;
  /**
   * Whether a node that an earlier process left is this one, by the data in it; one with equal data
   * always does. Several nodes may have one name, and differ by what is in them alone. Where this is not
   * given, the only one of its name does.
   */
  isSame?(data: Buffer): boolean;
}

/** One ephemeral node, kept alive by the session until released. */
export interface Ephemeral extends AsyncDisposable {
  /** Where the node is now; after a lost session a sequential node has a new number. */
  readonly path: string;
  /** Changes the node's data in place, now and whenever it is created again. */
  update(data: Buffer, signal?: AbortSignal): Promise<void>;
  /**
   * Deletes the node and stops keeping it. Resolves once the server said that it is gone, however long
   * that takes, or when the session is closed or handed off.
   */
  release(): Promise<void>;
}

/** What the next process needs to take a session over; the password is a secret. JSON-safe. */
export interface HandedOff {
  readonly sessionId: string;
  readonly password: string;
  readonly paths: readonly string[];
}

/**
 * One session with an ensemble. It connects by itself, for ever, until closed; operations wait for the
 * connection up to their deadline and reject with `ZooKeeperError`.
 */
export interface Session extends AsyncDisposable {
  readonly state: SessionState;
  /** The server that it is connected to now, as `host:port`. */
  readonly server: string | undefined;
  /** Its id as the servers' own logs show it, such as `0x100001bc7cf0000`; undefined before the first connection. */
  readonly id: string | undefined;
  /** Yields the present state, then every change; a slow reader sees the newest only. Ends when closed or aborted. */
  states(signal: AbortSignal): AsyncIterable<SessionState>;

  get(path: string, options?: OperationOptions): Promise<{ data: Buffer; stat: Stat }>;
  /** The node's stat, or undefined where there is none. */
  exists(path: string, options?: OperationOptions): Promise<Stat | undefined>;
  list(path: string, options?: OperationOptions): Promise<{ names: readonly string[]; stat: Stat }>;
  /** Resolves once this server has seen every write that was confirmed before the call. */
  sync(path: string, options?: OperationOptions): Promise<void>;
  /** Creates one node and returns its path; parents must exist. */
  create(path: string, data: Buffer, mode: CreateMode, options?: OperationOptions): Promise<string>;
  /** Creates a persistent path level by level, touching only what is missing. */
  makePath(path: string, options?: OperationOptions): Promise<void>;
  set(path: string, data: Buffer, options?: OperationOptions & { version?: number }): Promise<Stat>;
  remove(path: string, options?: OperationOptions & { version?: number }): Promise<void>;

  /**
   * Creates an ephemeral node (and its missing parents) and keeps it through reconnects, expiry, an
   * ensemble that came back empty, and a stale node of an earlier session. Resolves once it exists.
   */
  ephemeral(node: EphemeralOptions, signal: AbortSignal): Promise<Ephemeral>;
  /**
   * Yields a path's whole list of children with their data, then a whole new list on every change;
   * only new or changed children are read. A path that does not exist is waited for: nothing is
   * yielded before it exists, and one that vanished yields an empty list. `onMissing` is told when a server
   * answered that there is no such path. Ends when aborted.
   */
  children(
    path: string,
    signal: AbortSignal,
    onMissing?: () => void,
  ): AsyncIterable<readonly Child[]>;
  /**
   * Yields a node's data, then again whenever it was written; undefined where there is no node. Ends when
   * aborted.
   */
  data(path: string, signal: AbortSignal): AsyncIterable<Buffer | undefined>;

  /**
   * Whether a node's owner is this session or one that it replaced; never a session of another process.
   */
  owns(owner: bigint): boolean;
  /**
   * Deletes the nodes of a resumed session that no `ephemeral` has claimed, or only those for which `isStale`
   * is true. Call it once everything has been announced again; until then an earlier process's nodes stay.
   */
  dropUnclaimed(
    isStale?: (path: string, data: Buffer) => boolean,
    options?: OperationOptions,
  ): Promise<void>;
  /** The nodes of a resumed session that no `ephemeral` has claimed yet. */
  unclaimed(): readonly string[];
  /** What the next process would need if this one died now; undefined before the first connection. */
  ticket(): HandedOff | undefined;
  /** Closes the connection but not the session, so that the next process can take it over. */
  handOff(): Promise<HandedOff>;
  /** Ends the session and with it its ephemeral nodes; never rejects, never takes longer than 2 s. */
  close(): Promise<void>;
}
