import { setMaxListeners } from 'node:events';

import { Interrupted } from './interrupted.ts';
import { readOptions } from './options.ts';
import { perform } from './performance.ts';
import { openScene } from './scene.ts';
import { createScreen } from './screen.ts';

const root = new AbortController();
setMaxListeners(0, root.signal);
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => root.abort(new Interrupted(name)));
process.on('uncaughtException', (error) => root.abort(error));
process.exitCode = await run();

/** Runs the demo, ends every part of it whatever happened, and returns the exit code. */
async function run(): Promise<number> {
  const options = readOptions(process.argv.slice(2));
  try {
    await using scene = await openScene(options, root);
    await perform(scene, createScreen(process.stdout), options, root.signal);
  } catch (error) {
    const reason: unknown = root.signal.aborted ? root.signal.reason : error;
    if (reason instanceof Interrupted && !options.once) return 0;
    console.error(`\nthe demo failed: ${withCauses(reason)}`);
    return 1;
  }
  return 0;
}

function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${withCauses(error.cause)}`;
}
