import { join } from 'node:path';

import { execa } from 'execa';

import { fetchRuntime } from '../packaging/runtime.ts';

/**
 * Runs a command with the Node.js that the packages carry in the place of `node`, and ends as it does:
 * `newest-node.ts COMMAND ARGUMENT…`.
 */
const [command = '', ...args] = process.argv.slice(2);
await using runtime = await fetchRuntime(process.arch === 'arm64' ? 'arm64' : 'amd64');
const folder = join(runtime.program, '..');
process.stderr.write(`Node.js ${runtime.version}: ${[command, ...args].join(' ')}\n`);
const { exitCode } = await execa(command, args, {
  stdio: 'inherit',
  reject: false,
  env: { PATH: `${folder}:${process.env.PATH}`, EXPECTED_NODE: runtime.version },
});
process.exitCode = exitCode ?? 1;
