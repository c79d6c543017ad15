import { createDeadline, type Log, messageOf } from '@smartstack/daemon';
import type { Output } from '@smartstack/proxy';

/** Longer than a proxy may take to stop, and shorter than synapse's own end may take, in milliseconds. */
export const patience = 6_000;

/** Outputs that end together with synapse. */
export interface OwnedOutputs extends AsyncDisposable {
  /** The same output, disposed of with the others. */
  own<Owned extends Output>(output: Owned): Owned;
}

/** Disposing of it never rejects: it disposes of all at once, and logs which fail or have no end within the limit. */
export function createOwnedOutputs(log: Log, limit = patience): OwnedOutputs {
  const owned: Output[] = [];

  async function end(output: Output): Promise<void> {
    try {
      await within(limit, async () => output[Symbol.asyncDispose]());
    } catch (error) {
      log.error(
        {
          proxy: output.name,
          reason: messageOf(error),
          fix: 'check that nothing of it is left running; report this if it happens again',
        },
        'cannot end a proxy driver or output',
      );
    }
  }

  return {
    own: (output) => {
      owned.push(output);
      return output;
    },
    [Symbol.asyncDispose]: async () => {
      await Promise.all(owned.map(end));
    },
  };
}

/** Waits for work no longer than a time, and rejects with that when it is over. */
async function within(milliseconds: number, work: () => Promise<void>): Promise<void> {
  using deadline = createDeadline(milliseconds);
  const { signal } = deadline;
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error(`no end in ${milliseconds} ms`)));
  });
  await Promise.race([work(), late]);
}
