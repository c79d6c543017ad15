import { messageOf } from '@smartstack/daemon';

import { onAbort } from '../abort.ts';
import type { Connection } from '../connection/connection.ts';
import type { OperationOptions } from '../contract.ts';
import { nameOfCode, ZooKeeperError } from '../error.ts';
import type { Destination, Request, RequestKind } from '../wire/request.ts';

/** One submitted request on its way: it waits, is on the wire, is settled. */
export interface Entry {
  readonly kind: RequestKind;
  readonly settled: boolean;
  /** Sends it; `answered` is called when its turn on this connection is over, settled or not. */
  send(connection: Connection, answered: () => void): void;
  /** Back to waiting: what was sent does not count. */
  recall(): void;
  /** Rejects it, unless it is settled. */
  fail(code: string, reason: string, cause?: unknown): void;
}

export interface EntryOptions<T> {
  readonly request: Request<T>;
  readonly limits: OperationOptions;
  readonly around: Surroundings;
}

/** What the entries of one session share. */
export interface Surroundings {
  readonly paths: Pick<Destination, 'toServer' | 'fromServer'>;
  /** Why there is no connection, and `undefined` while there is one. */
  whyDown(): string | undefined;
  /** Called once for each, with the code (`OK` for success) and whether it had been sent. */
  onSettled(operation: string, code: string, sent: boolean): void;
}

/** Codes of answers after which a write may have happened all the same. */
const undecided = new Set([
  'SYSTEM_ERROR',
  'DATA_INCONSISTENCY',
  'CONNECTION_LOSS',
  'OPERATION_TIMEOUT',
  'REQUEST_TIMEOUT',
]);

/** A request with its deadline and signal running. The promise rejects with `ZooKeeperError` only. */
export function createEntry<T>(options: EntryOptions<T>): {
  readonly entry: Entry;
  readonly result: Promise<T>;
} {
  let entry: Submitted<T> | undefined;
  const result = new Promise<T>((resolve, reject) => {
    entry = new Submitted(options, resolve, reject);
  });
  return { entry: entry as Submitted<T>, result };
}

/** A class, since thousands are under way at a start: methods are shared, and closures are not. */
class Submitted<T> implements Entry {
  settled = false;
  readonly #options: EntryOptions<T>;
  readonly #resolve: (value: T) => void;
  readonly #reject: (error: Error) => void;
  readonly #timer: NodeJS.Timeout | undefined;
  readonly #off: (() => void) | undefined;
  #sent = false;

  constructor(
    options: EntryOptions<T>,
    resolve: (value: T) => void,
    reject: (error: Error) => void,
  ) {
    const { signal, deadline = Number.POSITIVE_INFINITY } = options.limits;
    this.#options = options;
    this.#resolve = resolve;
    this.#reject = reject;
    if (Number.isFinite(deadline)) this.#timer = setTimeout(() => this.#expire(deadline), deadline);
    if (signal) this.#off = onAbort(signal, () => this.fail('ABORTED', 'aborted', signal.reason));
  }

  get kind() {
    return this.#options.request.kind;
  }

  send(connection: Connection, answered: () => void): void {
    const { request, around } = this.#options;
    this.#sent = true;
    try {
      request.send({ ...around.paths, client: connection.client }, (code, value) => {
        answered();
        if (code !== 0) this.#refuse(nameOfCode(connection.replyCode() || code), true);
        else if (this.#settle('OK')) this.#resolve(value as T);
      });
    } catch (error) {
      answered();
      this.#refuse('BAD_ARGUMENTS', true, messageOf(error), error);
    }
  }

  recall(): void {
    this.#sent = false;
  }

  fail(code: string, reason: string, cause?: unknown): void {
    this.#refuse(code, false, reason, cause);
  }

  /** False when it was settled before. */
  #settle(code: string): boolean {
    if (this.settled) return false;
    this.settled = true;
    clearTimeout(this.#timer);
    this.#off?.();
    const { request, around } = this.#options;
    around.onSettled(request.operation, code, this.#sent);
    return true;
  }

  /** The code stands in for an absent `reason`. */
  #refuse(code: string, answered: boolean, reason?: string, cause?: unknown): void {
    if (!this.#settle(code)) return;
    const { operation, path, kind } = this.#options.request;
    const isDecided = answered ? !undecided.has(code) : !this.#sent;
    const outcome = kind === 'write' && !isDecided ? 'unknown' : 'failed';
    const facts = { code, operation, path, outcome, cause } as const;
    this.#reject(new ZooKeeperError({ ...facts, ...(reason && { reason }) }));
  }

  #expire(deadline: number): void {
    const down = this.#options.around.whyDown();
    const what = this.#sent ? 'no answer' : down === undefined ? 'not sent' : 'not connected';
    this.fail('OPERATION_TIMEOUT', `${what} within ${deadline} ms${down ? ` (${down})` : ''}`);
  }
}
