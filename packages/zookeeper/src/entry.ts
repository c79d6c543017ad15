import { messageOf } from '@smartstack/daemon';

import { onAbort } from './abort.ts';
import type { Connection } from './connection.ts';
import type { OperationOptions } from './contract.ts';
import { nameOfCode, ZooKeeperError } from './error.ts';
import type { Request, Wire } from './requests.ts';

/** One submitted request on its way: it waits, is on the wire, is settled. */
export interface Entry {
  readonly kind: Request<unknown>['kind'];
  readonly settled: boolean;
  /** Sends it; `answered` is called when its turn on this connection is over, settled or not. */
  send(connection: Connection, answered: () => void): void;
  /** Back to waiting: what was sent is void. */
  recall(): void;
  /** Rejects it, unless it is settled. */
  fail(code: string, reason: string, cause?: unknown): void;
}

export interface EntryOptions<T> {
  readonly request: Request<T>;
  readonly limits: OperationOptions;
  readonly paths: Pick<Wire, 'toServer' | 'fromServer'>;
  /** Why there is no connection, and `undefined` while there is one. */
  whyDown(): string | undefined;
  /** Called once, with the code (`OK` for success) and whether it had been sent. */
  onSettled(code: string, sent: boolean): void;
}

/** A request with its deadline and signal running. The promise rejects with `ZooKeeperError` only. */
export function createEntry<T>(options: EntryOptions<T>): {
  readonly entry: Entry;
  readonly result: Promise<T>;
} {
  const { request, limits, paths, whyDown, onSettled } = options;
  const { operation, path, kind } = request;
  const { signal, deadline = Number.POSITIVE_INFINITY } = limits;
  const { promise: result, resolve, reject } = withResolvers<T>();
  let settled = false;
  let sent = false;

  function settle(code: string, act: () => void) {
    if (settled) return;
    settled = true;
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    onSettled(code, sent);
    act();
  }

  /** Without a `reason` the code says it. An answer is certain; a write without one may have happened. */
  function refuse(code: string, answered: boolean, reason?: string, cause?: unknown) {
    const outcome = !answered && sent && kind === 'write' ? 'unknown' : 'failed';
    const facts = { code, operation, path, outcome, cause } as const;
    settle(code, () => reject(new ZooKeeperError({ ...facts, ...(reason && { reason }) })));
  }

  const fail = (code: string, reason: string, cause?: unknown) =>
    refuse(code, false, reason, cause);

  function expire() {
    const down = whyDown();
    const what = sent ? 'no answer' : down === undefined ? 'not sent' : 'not connected';
    fail('OPERATION_TIMEOUT', `${what} within ${deadline} ms${down ? ` (${down})` : ''}`);
  }

  const abort = () => fail('ABORTED', 'aborted', signal?.reason);
  const timer = Number.isFinite(deadline) ? setTimeout(expire, deadline) : undefined;
  if (signal) onAbort(signal, abort);

  const entry: Entry = {
    kind,
    get settled() {
      return settled;
    },
    send(connection, answered) {
      sent = true;
      try {
        request.send({ ...paths, client: connection.client }, (code, value) => {
          answered();
          if (code === 0) settle('OK', () => resolve(value as T));
          else refuse(nameOfCode(connection.replyCode() || code), true);
        });
      } catch (error) {
        answered();
        refuse('BAD_ARGUMENTS', true, messageOf(error), error);
      }
    },
    recall: () => {
      sent = false;
    },
    fail,
  };
  return { entry, result };
}

function withResolvers<T>() {
  let resolve: (value: T) => void = () => {};
  let reject: (error: Error) => void = () => {};
  const promise = new Promise<T>((yes, no) => {
    resolve = yes;
    reject = no;
  });
  return { promise, resolve, reject };
}
