import { messageOf } from '@smartstack/daemon';

/** Why an attempt on the network failed, in words instead of `ECONNREFUSED`. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) {
    const reasons = new Set(error.errors.map(reasonOf));
    if (reasons.size > 0) return [...reasons].join('; ');
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('HPE_')) return 'not an HTTP answer';
  return words[code] ?? messageOf(error);
}

/** The error of an attempt: what was attempted, on what, and why it failed. */
export function failure(attempt: string, error: unknown): Error {
  return new Error(`${attempt}: ${reasonOf(error)}`, { cause: error });
}

const words: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refused',
  ECONNRESET: 'connection closed before the answer was whole',
  EPIPE: 'connection closed',
  ETIMEDOUT: 'no answer',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  EADDRNOTAVAIL: 'address not available',
  EMFILE: 'too many open files',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the name server did not answer',
};
