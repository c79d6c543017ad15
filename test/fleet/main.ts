import { setMaxListeners } from 'node:events';

import { withFleet } from './fleet.ts';
import { obstacle } from './lan.ts';
import { type Options, readOptions, usage } from './options.ts';
import { report } from './report.ts';

process.env.PATH += ':/usr/local/sbin:/usr/sbin:/sbin'; // where distributions keep haproxy and ip
const root = new AbortController();
setMaxListeners(0, root.signal);
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(name, () => root.abort(new Error(`ended by ${name}`)));
process.exitCode = await main();

async function main(): Promise<number> {
  try {
    const options = readOptions(process.argv.slice(2));
    const reason = options && (await obstacle());
    if (options && reason === undefined) return await run(options);
    say(options ? `fleet: skipped: there can be no network namespaces here: ${reason}` : usage);
    return 0;
  } catch (error) {
    process.stderr.write(`fleet: failed: ${withCauses(error)}\n`);
    return 1;
  }
}

/** Runs it, and ends every part of it whatever happened. */
async function run(options: Options): Promise<number> {
  const { vms, seconds, seed, rate } = options;
  say(`${vms} VMs, ${seconds} s, seed ${seed}, ${rate} requests/s from each VM`);
  const failures = await withFleet(options, say, root, (outcome) => report(outcome, say));
  for (const failure of failures.slice(0, 20)) say(`FAILED: ${failure}`);
  if (failures.length === 0) say('passed');
  else say(`${failures.length} failures; again with the same faults: --seed ${seed} --vms ${vms}`);
  return failures.length === 0 ? 0 : 1;
}

function withCauses(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause === undefined ? error.message : `${error.message}: ${withCauses(error.cause)}`;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
