/**
 * The part of node-zookeeper-client 1.1.3 that this package relies on. The published types are
 * incomplete, and their `Exception` is not an Error.
 */
declare module 'node-zookeeper-client' {
  import type { EventEmitter } from 'node:events';

  export interface Exception extends Error {
    readonly code: number;
  }

  /** A 64-bit number is a buffer of 8 bytes, big-endian. */
  export interface Stat {
    readonly czxid: Buffer;
    readonly mzxid: Buffer;
    readonly version: number;
    readonly cversion: number;
    readonly ephemeralOwner: Buffer;
    readonly dataLength: number;
    readonly numChildren: number;
    readonly pzxid: Buffer;
  }

  export interface Event {
    readonly type: number;
    readonly path: string;
  }

  /** What the library needs of a socket once it does not open its own. */
  export interface Wire {
    write(frame: Buffer): boolean;
    destroy(): void;
    setTimeout(milliseconds: number, listener: () => void): void;
  }

  export interface ConnectionManager {
    socket: Wire;
    watcherManager: { emit(event: Event): void; isEmpty(): boolean };
    connect: () => void;
    zxid: Buffer;
    xid: number;
    /** What was sent and is to be answered, in its order. */
    readonly pendingQueue: { readonly request: object }[];
    readonly state: number;
    setState(state: number): void;
    queue(
      request: object,
      callback: (error: Exception | null, response?: { readonly payload: unknown }) => void,
    ): void;
    onSocketConnected(): void;
    onSocketData(frame: Buffer): void;
    onSocketDrain(): void;
    onSocketClosed(hadError: boolean): void;
  }

  export type Watcher = (event: Event) => void;

  export interface Client extends EventEmitter {
    readonly connectionManager: ConnectionManager;
    connect(): void;
    close(): void;
    addAuthInfo(scheme: string, auth: Buffer): void;
    getSessionId(): Buffer;
    getSessionPassword(): Buffer;
    getSessionTimeout(): number;
    create(
      path: string,
      data: Buffer,
      acls: readonly ACL[],
      mode: number,
      callback: (error: Exception | null, path: string) => void,
    ): void;
    remove(path: string, version: number, callback: (error: Exception | null) => void): void;
    setData(
      path: string,
      data: Buffer,
      version: number,
      callback: (error: Exception | null, stat: Stat) => void,
    ): void;
    exists(
      path: string,
      watcher: Watcher | undefined,
      callback: (error: Exception | null, stat: Stat | null) => void,
    ): void;
    getData(
      path: string,
      watcher: Watcher | undefined,
      callback: (error: Exception | null, data: Buffer | undefined, stat: Stat) => void,
    ): void;
    getChildren(
      path: string,
      watcher: Watcher | undefined,
      callback: (error: Exception | null, names: string[], stat: Stat) => void,
    ): void;
  }

  export interface ACL {
    readonly permission: number;
  }
  export interface Id {
    readonly scheme: string;
  }

  const library: {
    createClient(
      hosts: string,
      options: {
        readonly sessionTimeout: number;
        readonly retries: 0;
        readonly sessionId?: Buffer;
        readonly sessionPassword?: Buffer;
      },
    ): Client;
    readonly ACL: { new (permission: number, id: Id): ACL; readonly OPEN_ACL_UNSAFE: ACL[] };
    readonly Id: new (scheme: string, id: string) => Id;
    readonly Exception: { readonly [name: string]: number };
  };
  export default library;
}

declare module 'node-zookeeper-client/lib/jute/index.js' {
  import type { ACL, Stat } from 'node-zookeeper-client';

  export type Operation =
    | { type: 1; path: string; data: Buffer; acls: readonly ACL[]; mode: number }
    | { type: 2; path: string; version: number };

  export type Result =
    | { readonly type: 1; readonly path: string }
    | { readonly type: 2 }
    | { readonly type: 5; readonly stat: Stat }
    | { readonly type: -1; readonly err: number };

  const jute: {
    readonly Request: new (header: object, payload: object) => object;
    readonly TransactionRequest: new (operations: readonly Operation[]) => object;
    readonly protocol: {
      readonly RequestHeader: new (xid: number, type: number) => object;
    };
  };
  export default jute;
}
