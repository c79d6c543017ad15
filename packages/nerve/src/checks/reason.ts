import { messageOf } from '@smartstack/daemon';

/** Why an attempt on the network failed, in words instead of `ECONNREFUSED`. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError) {
    const reasons = new Set(error.errors.map(reasonOf));
    if (reasons.size > 0) return [...reasons].join('; ');
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (code.startsWith('HPE_')) return `not an HTTP answer: ${parserReason(error)}`;
  return words[code] ?? messageOf(error);
}

/** The parser's messages. */
function parserReason(error: unknown): string {
  const { reason } = error as { readonly reason?: unknown };
  return typeof reason === 'string' ? reason : messageOf(error).replace(/^Parse Error: /, '');
}

/**
 * Runs what a check attempts. Rejects with what was attempted, on what, and why it failed; when the signal
 * aborts, at once and with the signal's reason, even where the attempt ignores the signal.
 */
export async function attempt(
  what: string,
  run: () => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let end = () => {};
  const aborted = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort);
    end = () => signal.removeEventListener('abort', onAbort);
  });
  try {
    await Promise.race([aborted, run()]);
  } catch (error) {
    const reason: unknown = signal.aborted ? signal.reason : error;
    throw new Error(`${what}: ${reasonOf(reason)}`, { cause: error });
  } finally {
    end();
  }
}

/** The error of an attempt that ends with its signal by itself. */
export function failure(what: string, error: unknown): Error {
  return new Error(`${what}: ${reasonOf(error)}`, { cause: error });
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
