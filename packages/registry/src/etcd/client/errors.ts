import { messageOf } from '@smartstack/daemon';

import { TooLong } from '../wire/frames.ts';

/** Codes of gRPC that decide what happens next (https://grpc.io/docs/guides/status-codes/). */
export const codes = {
  invalidArgument: 3,
  notFound: 5,
  permissionDenied: 7,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  unauthenticated: 16,
} as const;

/** An answer of etcd that is no success. */
export class GrpcError extends Error {
  override readonly name = 'GrpcError';
  readonly code: number;

  constructor(code: number, message: string) {
    super(message || `gRPC status ${code}`);
    this.code = code;
  }
}

/** The failure of a request at every endpoint that was tried, or etcd's refusal of it. */
export class EtcdError extends Error {
  override readonly name = 'EtcdError';
  /** Whether etcd has refused it, and carried out nothing. */
  readonly isRefused: boolean;
  readonly code: number | undefined;

  constructor(what: string, endpoint: string, cause: unknown) {
    super(`cannot ${what} at ${endpoint}: ${messageOf(cause)}`, { cause });
    this.isRefused = isRefusal(cause);
    this.code = cause instanceof GrpcError ? cause.code : undefined;
  }
}

/** Whether the server has decided, so that another one would not answer otherwise. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof GrpcError)) return false;
  // Of a cluster that is full every server says so.
  return refusals.has(error.code) || /space exceeded/.test(error.message);
}

/** Whether another server would not answer otherwise: this one has refused, or has more to say than is read. */
export function isFinal(error: unknown): boolean {
  return isRefusal(error) || error instanceof TooLong;
}

/** Whether an answer, or the failure of a request, is of one that was longer than is read. */
export function isTooLong(error: unknown): boolean {
  return error instanceof TooLong || (error as Error | undefined)?.cause instanceof TooLong;
}

const refusals = new Set<number>(Object.values(codes));

/** Whether etcd has forgotten who we are: a token that expired, or users that were changed. */
export function isForgotten(error: unknown): boolean {
  if (!(error instanceof GrpcError)) return false;
  return (
    error.code === codes.unauthenticated ||
    /invalid auth token|revision of auth store is old|user name is empty/.test(error.message)
  );
}

/** What an operator can do about a failure. */
export function fixFor(error: unknown): string {
  const text = messageOf(error);
  if (/user name is empty/.test(text))
    return 'etcd asks who this is: set etcd.user and its password';
  if (/permission denied/.test(text))
    return "grant the user's role readwrite on the prefix: `etcdctl role grant-permission ROLE readwrite PREFIX --prefix`";
  if (/invalid user ID or password/.test(text)) return 'put the right password in place';
  if (/space exceeded/.test(text))
    return 'compact and defragment etcd, then `etcdctl alarm disarm`';
  return 'see that etcd runs and answers this machine; it is tried again';
}
