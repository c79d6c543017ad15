import { readdir, readFile } from 'node:fs/promises';

import { until } from './until.ts';

/** Stops a process; resolves once every thread of it stands still, which may be a little later. */
export async function freeze(pid: number): Promise<void> {
  process.kill(pid, 'SIGSTOP');
  await until(async () => (await threadStates(pid)).every((state) => state === 'T'));
}

async function threadStates(pid: number): Promise<readonly (string | undefined)[]> {
  const threads = await readdir(`/proc/${pid}/task`);
  const stats = threads.map((thread) => readFile(`/proc/${pid}/task/${thread}/stat`, 'utf8'));
  // Behind the name, which may hold spaces.
  return (await Promise.all(stats)).map((stat) => stat[stat.lastIndexOf(')') + 2]);
}
