import { readFileSync } from 'node:fs';
import { link, open, rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

import { hasCode, readRegularText, UserError } from '@smartstack/daemon';

const patience = 100;

/**
 * Takes a lock file, which names this process. A lock whose process is gone is taken over; one whose
 * process lives is a `UserError`: two masters would share the same ports in silence.
 */
export async function takeLock(path: string, fix: string): Promise<AsyncDisposable> {
  const draft = `${path}.${process.pid}`;
  const file = await open(draft, 'w', 0o600);
  await file.writeFile(`${process.pid} ${startOf(process.pid) ?? ''}`);
  await file.close();
  try {
    for (let tries = 0; tries < patience; tries++) {
      if (await linked(draft, path))
        return { [Symbol.asyncDispose]: () => rm(path, { force: true }) };
      const { pid, lives } = (await holderOf(path)) ?? {};
      if (lives) throw new UserError(held(path, fix, pid));
      if (pid !== undefined) await clear(path);
    }
    throw new UserError(held(path, fix));
  } finally {
    await rm(draft, { force: true });
  }
}

const held = (path: string, fix: string, pid?: number) =>
  `cannot lock ${path}: synapse with pid ${pid ?? 'that changes'} holds it; ${fix}`;

/** A link appears with its content or not at all, which an exclusive create does not promise. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Removes a stale lock. One process at a time may: another could remove the lock of a process that just took it. */
async function clear(path: string): Promise<void> {
  const right = await takeLock(`${path}.takeover`, '').catch(() => undefined);
  if (!right) return sleep(20);
  try {
    if ((await holderOf(path))?.lives === false) await rm(path, { force: true });
  } finally {
    await right[Symbol.asyncDispose]();
  }
}

interface Holder {
  readonly pid: number;
  /** False also when its pid was reused. */
  readonly lives: boolean;
}

/** The process that took a lock; undefined when there is none. */
async function holderOf(path: string): Promise<Holder | undefined> {
  const text = await readRegularText(path).catch(() => undefined);
  if (text === undefined) return undefined;
  const [pid = '', start] = text.split(' ');
  const current = startOf(Number(pid));
  return { pid: Number(pid), lives: current !== undefined && current === start };
}

/**
 * When a process started, in the kernel's ticks; undefined when there is none. Asked several times a second,
 * and answered from memory, so that a read that waits costs the least.
 */
export function startOf(pid: number): string | undefined {
  const fields = statOf(pid);
  if (fields === undefined) return alive(pid) ? 'unknown' : undefined;
  return fields[0] === 'Z' ? undefined : fields[19];
}

/** Whether a process was stopped, as by SIGSTOP: it answers nothing until it is told to go on. */
export function isStopped(pid: number): boolean {
  return statOf(pid)?.[0]?.toUpperCase() === 'T';
}

/** What the kernel says of a process, from its state on. */
function statOf(pid: number): readonly string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
