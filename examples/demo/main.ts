import { setMaxListeners } from 'node:events';

import { Interrupted } from './interrupted.ts';
import { type Options, readOptions } from './options.ts';
import { perform } from './performance.ts';
import { openScene } from './scene.ts';
import { createScreen } from './screen.ts';

const root = new AbortController();
setMaxListeners(0, root.signal);
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => root.abort(new Interrupted(name)));
process.on('uncaughtException', (error) => root.abort(error));
process.exitCode = await main();

async function main(): Promise<number> {
  try {
    return await run(readOptions(process.argv.slice(2)));
  } catch (error) {
    console.error(`\nthe demo failed: ${withCauses(error)}`);
    return 1;
  }
}

/** Runs the demo and ends every part of it whatever happened. Returns the exit code or throws the reason. */
async function run(options: Options): Promise<number> {
  await using scene = await openScene(options, root);
  try {
    await perform(scene, createScreen(process.stdout), options, root.signal);
    return 0;
  } catch (error) {
    const reason: unknown = root.signal.aborted ? root.signal.reason : error;
    if (reason instanceof Interrupted && !options.once) return 0;
    for (const line of await scene.complaints()) console.error(line);
    throw reason;
  }
}

function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${withCauses(error.cause)}`;
}
