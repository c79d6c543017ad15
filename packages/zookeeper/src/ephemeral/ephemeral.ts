import type { Ephemeral, EphemeralOptions } from '../contract.ts';
import { pathProblem } from '../path.ts';
import type { SessionContext } from '../session/context.ts';
import { keepError } from './error.ts';
import { createKeeper } from './keeper.ts';

/**
 * Creates an ephemeral node and keeps it until released: after every connection it checks whether the
 * node still exists, is ours and has our data, and repairs it if not. Resolves once it exists for
 * the first time. If that fails or the signal aborts before, it rejects once no node is left: after a
 * creation without an answer that takes until a server answers or the session ends.
 */
export async function keepEphemeral(
  context: SessionContext,
  node: EphemeralOptions,
  signal: AbortSignal,
): Promise<Ephemeral> {
  const reason = pathProblem(node.path);
  if (reason) throw keepError(node.path, { code: 'BAD_ARGUMENTS', reason });
  const keeper = createKeeper(context, node);
  try {
    await keeper.apply(node.data, signal);
  } catch (error) {
    await keeper.release();
    throw error;
  }
  return {
    get path() {
      return keeper.path();
    },
    update: keeper.apply,
    release: keeper.release,
    [Symbol.asyncDispose]: keeper.release,
  };
}
