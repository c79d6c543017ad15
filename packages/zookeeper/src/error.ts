/** The server's error codes by name; org.apache.zookeeper.KeeperException.Code of ZooKeeper 3.9. */
const codes: Readonly<Record<number, string>> = {
  [-1]: 'SYSTEM_ERROR',
  [-2]: 'RUNTIME_INCONSISTENCY',
  [-3]: 'DATA_INCONSISTENCY',
  [-4]: 'CONNECTION_LOSS',
  [-5]: 'MARSHALLING_ERROR',
  [-6]: 'UNIMPLEMENTED',
  [-7]: 'OPERATION_TIMEOUT',
  [-8]: 'BAD_ARGUMENTS',
  [-12]: 'UNKNOWN_SESSION',
  [-13]: 'NEW_CONFIG_NO_QUORUM',
  [-14]: 'RECONFIG_IN_PROGRESS',
  [-100]: 'API_ERROR',
  [-101]: 'NO_NODE',
  [-102]: 'NO_AUTH',
  [-103]: 'BAD_VERSION',
  [-108]: 'NO_CHILDREN_FOR_EPHEMERALS',
  [-110]: 'NODE_EXISTS',
  [-111]: 'NOT_EMPTY',
  [-112]: 'SESSION_EXPIRED',
  [-113]: 'INVALID_CALLBACK',
  [-114]: 'INVALID_ACL',
  [-115]: 'AUTH_FAILED',
  [-118]: 'SESSION_MOVED',
  [-119]: 'NOT_READ_ONLY',
  [-120]: 'EPHEMERAL_ON_LOCAL_SESSION',
  [-121]: 'NO_WATCHER',
  [-122]: 'REQUEST_TIMEOUT',
  [-123]: 'RECONFIG_DISABLED',
  [-124]: 'SESSION_CLOSED_REQUIRES_SASL_AUTH',
  [-125]: 'QUOTA_EXCEEDED',
  [-127]: 'THROTTLED_OP',
};

/** An error code's name as ZooKeeper calls it; `CODE_<n>` for one of a later server. */
export function nameOfCode(code: number): string {
  return codes[code] ?? `CODE_${code}`;
}

/** `failed`: nothing happened on the server. `unknown`: a write was sent, and no answer said whether it was done. */
export type Outcome = 'failed' | 'unknown';

export interface ErrorFacts {
  /** ZooKeeper's name of the code, such as `NO_NODE`, or this package's own `CLOSED` and `ABORTED`. */
  readonly code: string;
  readonly operation: string;
  readonly path: string;
  readonly outcome?: Outcome;
  /** Why, in words; default the code in lower case. */
  readonly reason?: string;
  readonly cause?: unknown;
}

/** What every operation rejects with. Its message says what was attempted, on which path and why. */
export class ZooKeeperError extends Error {
  override readonly name = 'ZooKeeperError';
  readonly code: string;
  readonly operation: string;
  readonly path: string;
  readonly outcome: Outcome;

  constructor({ code, operation, path, outcome = 'failed', reason, cause }: ErrorFacts) {
    const why = reason ?? code.toLowerCase().replaceAll('_', ' ');
    super(`cannot ${operation} ${path}: ${why}`, cause === undefined ? {} : { cause });
    this.code = code;
    this.operation = operation;
    this.path = path;
    this.outcome = outcome;
  }
}

/** Whether an error is ZooKeeper's with one of these codes. */
export function isCode(error: unknown, ...names: readonly string[]): error is ZooKeeperError {
  return error instanceof ZooKeeperError && names.includes(error.code);
}

/** The answer, or `gone` where the server answered that there is no such node. */
export async function orGone<T, G>(answer: Promise<T>, gone: G): Promise<T | G> {
  try {
    return await answer;
  } catch (error) {
    if (isCode(error, 'NO_NODE')) return gone;
    throw error;
  }
}
