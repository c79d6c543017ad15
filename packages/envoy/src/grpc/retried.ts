import type { Policy } from '@smartstack/policy';

export type Cause = NonNullable<NonNullable<Policy['retries']>['on']>[number];

/** The method of every call. */
export const callMethod = 'POST';

/** So often clients try a call again at most, whatever they are told. */
export const mostAttempts = 4;

/** The statuses of gRPC that stand for a cause; it tries calls again for five of them only. */
export const retriedStatuses: Partial<Readonly<Record<Cause, readonly string[]>>> = {
  reset: ['unavailable'],
  429: ['resource-exhausted'],
  500: ['internal'],
  502: ['unavailable'],
  503: ['unavailable'],
  504: ['deadline-exceeded', 'unavailable'],
};

/** Whether calls that failed of a cause are tried again. That nothing was sent yet needs no word: gRPC does so by itself. */
export const isRetried = (cause: Cause): boolean =>
  cause === 'connect_failure' || retriedStatuses[cause] !== undefined;
