import { bundleCode } from '../../packaging/bundle.ts';
import { treeIn } from '../../packaging/tree.ts';
import { createScratch } from './scratch.ts';

/**
 * Puts both daemons into a folder as packages have them, for a run of tests that start them hundreds of times: they
 * load in a third of the time of the build's many files.
 */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  if (process.env.BUNDLED_DAEMONS !== undefined) return undefined;
  const scratch = await createScratch();
  for (const daemon of ['nerve', 'synapse'] as const)
    await bundleCode(daemon, treeIn(scratch.path(daemon)));
  process.env.BUNDLED_DAEMONS = scratch.directory;
  return async () => scratch[Symbol.asyncDispose]();
}
