import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';

import { execa } from 'execa';

import { processesNaming } from '../../examples/demo/processes.ts';
import { createScratch } from './scratch.ts';
import { until } from './until.ts';

/** Starts the demo where the temporary folder is the test's own, and some programs are others. */
export async function startDemo(
  options: readonly string[],
  programs: Readonly<Record<string, string>> = {},
) {
  const scratch = await createScratch();
  const [bin, temporary] = [scratch.path('bin'), scratch.path('tmp')];
  await Promise.all([mkdir(bin), mkdir(temporary)]);
  for (const [name, script] of Object.entries(programs)) {
    await writeFile(`${bin}/${name}`, `#!/bin/sh\n${script}\n`);
    await chmod(`${bin}/${name}`, 0o755);
  }
  let output = '';
  const child = execa('bash', ['scripts/demo.sh', ...options], {
    all: true,
    reject: false,
    env: { PATH: `${bin}:${process.env.PATH}`, TMPDIR: temporary },
    forceKillAfterDelay: 30_000,
  });
  child.all.on('data', (part) => {
    output += part;
  });
  return {
    ended: child,
    kill: (signal: NodeJS.Signals) => child.kill(signal),
    says: (text: string) => until(() => output.includes(text), 40_000),
    /** Of the daemon that runs on a file of this name. */
    async pidOf(file: string) {
      const daemons = await processesNaming(temporary);
      return daemons.find(({ words }) => words.at(-2)?.endsWith(file))?.pid ?? 0;
    },
    /** Files and processes that are still there. */
    async remaining() {
      return [...(await readdir(temporary)), ...(await processesNaming(temporary))];
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await child;
      await scratch[Symbol.asyncDispose]();
    },
  };
}
