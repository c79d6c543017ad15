import { setMaxListeners } from 'node:events';

import { messageOf } from '@smartstack/daemon';
import type { Event } from 'node-zookeeper-client';

import { createBudget } from './budget.ts';
import type { Connection } from './connection.ts';
import type { OperationOptions } from './contract.ts';
import { nameOfCode, type Outcome, ZooKeeperError } from './error.ts';
import { prefixed, unprefixed } from './path.ts';
import { createQueue } from './queue.ts';
import type { Request, Wire } from './requests.ts';

export interface OperationsOptions {
  /** The path, as the server knows it, under which all paths lie; `''` for none. */
  readonly chroot: string;
  readonly inFlight: number;
  readonly readBudget?: { readonly perSecond: number; readonly burst: number } | undefined;
  /** Called once for each watch that fires, with the session's path. */
  onEvent(path: string, type: number): void;
  /** Called for each settled operation. */
  onSettled?(operation: string, code: string): void;
  /** Why there is no connection, for the error of an operation that waited for one in vain. */
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
  /** Whether nothing is on the wire. */
  readonly idle: boolean;
}

interface Entry {
  readonly kind: 'write' | 'look' | 'read';
  settled: boolean;
  sent: boolean;
  send(connection: Connection, done: () => void): void;
  fail(code: string, reason: string, cause?: unknown): void;
}

export function createOperations(options: OperationsOptions): Operations {
  const { chroot, inFlight, onEvent, onSettled, whyDown } = options;
  const budget = createBudget(options.readBudget);
  const urgent = createQueue<Entry>();
  const reads = createQueue<Entry>();
  const onWire = new Set<Entry>();
  let connection: Connection | undefined;
  let shut = false;
  let abandoned = 0;
  let refill: NodeJS.Timeout | undefined;

  const toServer = (path: string) => prefixed(chroot, path);
  const fromServer = (path: string) => unprefixed(chroot, path);
  const watcher = (event: Event) => onEvent(fromServer(event.path), event.type);

  function pump() {
    while (connection && onWire.size < inFlight) {
      const entry = urgent.shift() ?? nextRead();
      if (!entry) return;
      if (!entry.settled) transmit(entry, connection);
    }
  }

  function nextRead(): Entry | undefined {
    if (reads.length === 0 || refill) return undefined;
    if (budget.take()) return reads.shift();
    refill = setTimeout(() => {
      refill = undefined;
      pump();
    }, budget.wait());
    return undefined;
  }

  function transmit(entry: Entry, on: Connection) {
    onWire.add(entry);
    entry.sent = true;
    entry.send(on, () => {
      // A late answer of an earlier connection says nothing about what is on this one's wire.
      if (on !== connection) return;
      onWire.delete(entry);
      pump();
    });
  }

  function detach(reason: Error) {
    const broken = [...onWire].filter((entry) => !entry.settled);
    onWire.clear();
    connection = undefined;
    const again = (kind: Entry['kind']) =>
      shut ? [] : broken.filter((entry) => entry.kind === kind);
    for (const entry of broken)
      if (shut || entry.kind === 'write')
        entry.fail(shut ? 'CLOSED' : 'CONNECTION_LOSS', messageOf(reason), reason);
      else entry.sent = false;
    urgent.prepend(again('look'));
    reads.prepend(again('read'));
  }

  /** Entries that gave up while they waited must not pile up through a long outage. */
  function abandon() {
    abandoned += 1;
    if (abandoned < 256 || abandoned * 2 < urgent.length + reads.length) return;
    abandoned = 0;
    for (const queue of [urgent, reads]) queue.sweep((entry) => !entry.settled);
  }

  function submit<T>(request: Request<T>, limits: OperationOptions = {}): Promise<T> {
    const { operation, path, kind } = request;
    const { deadline = Number.POSITIVE_INFINITY, signal } = limits;

    return new Promise<T>((resolve, reject) => {
      let timer: NodeJS.Timeout | undefined;
      const settle = (code: string) => {
        entry.settled = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        onSettled?.(operation, code);
        if (!entry.sent) abandon();
      };
      const reject_ = (code: string, outcome: Outcome, reason?: string, cause?: unknown) => {
        if (entry.settled) return;
        settle(code);
        reject(
          new ZooKeeperError({
            code,
            operation,
            path,
            outcome,
            ...(reason && { reason }),
            ...(cause !== undefined && { cause }),
          }),
        );
      };
      const entry: Entry = {
        kind,
        settled: false,
        sent: false,
        fail: (code, reason, cause) =>
          reject_(code, kind === 'write' && entry.sent ? 'unknown' : 'failed', reason, cause),
        send(on, done) {
          const wire: Wire = { client: on.client, watcher, toServer, fromServer };
          try {
            request.send(wire, (code, value) => {
              done();
              if (code !== 0) reject_(nameOfCode(on.replyCode() || code), 'failed');
              else if (!entry.settled) {
                settle('OK');
                resolve(value as T);
              }
            });
          } catch (error) {
            done();
            reject_('BAD_ARGUMENTS', 'failed', messageOf(error), error);
          }
        },
      };
      const abort = () => entry.fail('ABORTED', 'aborted', signal?.reason);

      if (shut) return entry.fail('CLOSED', 'the session is closed');
      if (signal) {
        setMaxListeners(0, signal);
        if (signal.aborted) return abort();
        signal.addEventListener('abort', abort, { once: true });
      }
      if (deadline !== Number.POSITIVE_INFINITY)
        timer = setTimeout(() => {
          const cause = connection ? undefined : whyDown?.();
          const what = entry.sent ? 'no answer' : connection ? 'not sent' : 'not connected';
          const why = cause ? ` (${messageOf(cause)})` : '';
          entry.fail('OPERATION_TIMEOUT', `${what} within ${deadline} ms${why}`, cause);
        }, deadline);
      (kind === 'read' ? reads : urgent).push(entry);
      pump();
    });
  }

  return {
    submit,
    attach(next) {
      connection = next;
      next.gone.addEventListener('abort', () => detach(next.gone.reason as Error), { once: true });
      pump();
    },
    shut() {
      shut = true;
      clearTimeout(refill);
      for (const entry of [...urgent.drain(), ...reads.drain()])
        if (!entry.settled) entry.fail('CLOSED', 'the session is closed');
    },
    get idle() {
      return onWire.size === 0;
    },
  };
}
