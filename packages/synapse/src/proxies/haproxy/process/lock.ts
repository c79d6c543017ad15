import { link, open, readFile, rm } from 'node:fs/promises';

import { hasCode, UserError } from '@smartstack/daemon';

/**
 * Takes a lock file, which names this process. A lock whose process is gone is taken over; one whose
 * process lives is a `UserError`: two masters would share the same ports in silence.
 */
export async function takeLock(path: string): Promise<AsyncDisposable> {
  const mine = `${process.pid} ${(await startOf(process.pid)) ?? ''}`;
  const draft = `${path}.${process.pid}`;
  const file = await open(draft, 'w', 0o600);
  await file.writeFile(mine);
  await file.close();
  try {
    for (let tries = 0; ; tries++) {
      try {
        // A link appears with its content or not at all, which an exclusive create does not promise.
        await link(draft, path);
        return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
      } catch (error) {
        if (!hasCode(error, 'EEXIST') || tries > 3) throw error;
        const holder = await holderOf(path);
        if (holder !== undefined)
          throw new UserError(
            `cannot lock ${path}: synapse with pid ${holder} holds it; stop that one, or give this one another haproxy.run_directory`,
          );
        await rm(path, { force: true });
      }
    }
  } finally {
    await rm(draft, { force: true });
  }
}

/** The pid of the process that holds a lock; undefined when it is gone, also when its pid was reused. */
async function holderOf(path: string): Promise<number | undefined> {
  const [pid = '', start] = (await readFile(path, 'utf8').catch(() => '')).split(' ');
  const current = await startOf(Number(pid));
  return current !== undefined && current === start ? Number(pid) : undefined;
}

/** When a process started, in the kernel's ticks; undefined when there is none. */
export async function startOf(pid: number): Promise<string | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined);
  if (stat === undefined) return alive(pid) ? 'unknown' : undefined;
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields[0] === 'Z' ? undefined : fields[19];
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
