import { messageOf } from '@smartstack/daemon';
import type { Connection } from '../connection/connection.ts';
import type { OperationOptions } from '../contract.ts';
import { prefixed, unprefixed } from '../path.ts';
import type { Request } from '../wire/request.ts';
import { createEntry, type Entry, type Surroundings } from './entry.ts';
import { createWaiting } from './waiting.ts';

export interface OperationsOptions {
  /** The path, as the server knows it, under which all paths lie; `''` for none. */
  readonly chroot: string;
  readonly inFlight: number;
  readonly readBudget?: { readonly perSecond: number; readonly burst: number } | undefined;
  /** Called once for each watch that fires, with the session's path. */
  onEvent?(path: string, type: number): void;
  /** Called for each settled operation; `OK` for success. */
  onSettled?(operation: string, code: string): void;
  /** Why there is no connection, for the error of an operation that waited for one. */
  whyDown?(): Error | undefined;
}

/** The requests of one session: what waits for a connection, and what is on the wire. */
export interface Operations {
  /**
   * Sends a request as soon as there is a connection and room; rejects with `ZooKeeperError` only. A
   * read whose connection broke is sent again on the next one; a write is not: its outcome is unknown.
   */
  submit<T>(request: Request<T>, options?: OperationOptions): Promise<T>;
  /** Sends on this connection until it is gone. */
  attach(connection: Connection): void;
  /** Rejects what waits, and everything from now on, as closed; what is on the wire may still be answered. */
  shut(): void;
  /** Resolves once nothing is on the wire. */
  idle(): Promise<void>;
}

const closed = ['CLOSED', 'the session is closed'] as const;

export function createOperations(options: OperationsOptions): Operations {
  const { chroot, inFlight, readBudget, onEvent, onSettled, whyDown } = options;
  const waiting = createWaiting({ readBudget, onRefill: sendNext });
  const onWire = new Set<Entry>();
  let connection: Connection | undefined;
  let shut = false;
  let onIdle = () => {};

  const around: Surroundings = {
    paths: {
      toServer: (path) => prefixed(chroot, path),
      fromServer: (path) => unprefixed(chroot, path),
    },
    whyDown: () => (connection ? undefined : messageOf(whyDown?.() ?? 'no connection yet')),
    onSettled(operation, code, sent) {
      onSettled?.(operation, code);
      if (!sent) waiting.noteGivenUp();
    },
  };

  function sendNext() {
    while (connection && onWire.size < inFlight) {
      const entry = waiting.shift();
      if (!entry) return;
      if (!entry.settled) send(entry, connection);
    }
  }

  function send(entry: Entry, on: Connection) {
    onWire.add(entry);
    entry.send(on, () => {
      // A late answer of an earlier connection says nothing about what is on this one's wire.
      if (on !== connection) return;
      onWire.delete(entry);
      sendNext();
      if (onWire.size === 0) onIdle();
    });
  }

  function detach(reason: Error) {
    connection = undefined;
    const broken = [...onWire].filter((entry) => !entry.settled);
    onWire.clear();
    onIdle();
    for (const entry of broken) {
      if (shut) entry.fail(...closed, reason);
      else if (entry.kind === 'write') entry.fail('CONNECTION_LOSS', messageOf(reason), reason);
      else entry.recall();
    }
    waiting.prepend(broken.filter((entry) => !entry.settled));
  }

  return {
    submit(request, limits = {}) {
      const { entry, result } = createEntry({ request, limits, around });
      if (shut) entry.fail(...closed);
      if (!entry.settled) waiting.push(entry);
      sendNext();
      return result;
    },
    attach(next) {
      connection = next;
      if (onEvent) next.onEvent(({ path, type }) => onEvent(unprefixed(chroot, path), type));
      next.gone.addEventListener('abort', () => detach(next.gone.reason as Error), { once: true });
      sendNext();
    },
    shut() {
      shut = true;
      for (const entry of waiting.drain()) entry.fail(...closed);
    },
    async idle() {
      while (onWire.size > 0)
        await new Promise<void>((resolve) => {
          onIdle = resolve;
        });
    },
  };
}
