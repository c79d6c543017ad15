import { messageOf } from '@smartstack/daemon';

/** Disposes of all together. One that fails holds up no other; several failures become one `AggregateError`. */
export function disposedTogether(all: readonly AsyncDisposable[]): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      const ends = await Promise.allSettled(all.map(async (one) => one[Symbol.asyncDispose]()));
      const errors = ends.flatMap((end): unknown[] =>
        end.status === 'rejected' ? [end.reason] : [],
      );
      if (errors.length === 1) throw errors[0];
      if (errors.length > 1) throw new AggregateError(errors, errors.map(messageOf).join('; '));
    },
  };
}
