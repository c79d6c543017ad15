import { mkdir, readFile, rm } from 'node:fs/promises';
import { homedir, hostname } from 'node:os';
import { dirname, join } from 'node:path';

import { hasCode, type Log, messageOf, writeFileAtomic } from '@smartstack/daemon';
import type { Tickets } from '@smartstack/registry';
import { z } from 'zod';

/** Where nerve keeps what outlives it, when its configuration does not say. */
export function defaultStateDirectory(): string {
  if (process.getuid?.() === 0) return '/var/lib/nerve';
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'nerve');
}

const ticket = z.object({
  sessionId: z.string(),
  password: z.string(),
  paths: z.array(z.string()),
});

const sessions = z.object({
  /** A copy of this file on another machine, or one from before a restart of this one, is worth nothing. */
  machine: z.string(),
  /** Who wrote it; while that process lives, its sessions are its own. 0 once they were handed off. */
  pid: z.int().min(0),
  tickets: z.record(z.string(), ticket),
});

/** What an earlier nerve left behind, and where this one leaves it. */
export interface SessionStore {
  /** Sessions to take over. */
  readonly tickets: Tickets;
  /** Notes the sessions, readable by this user alone as they hold secrets; does nothing when nothing changed. */
  save(tickets: Tickets): Promise<void>;
  /** Notes that the sessions are the next nerve's now. */
  handOff(tickets: Tickets): Promise<void>;
  /** Forgets the sessions, which were closed. */
  clear(): Promise<void>;
}

/** Opens the store in a folder; without one, or where another nerve has it, nothing is kept. Never rejects. */
export async function openSessionStore(directory: string | false, log: Log): Promise<SessionStore> {
  if (directory === false) return forgetful;
  const file = join(directory, 'sessions.json');
  const machine = await machineId();
  const found = await readJson(file, sessions, log);
  const owner = found?.machine === machine ? found.pid : 0;
  if (owner !== 0 && owner !== process.pid && isAlive(owner)) {
    log.warn({ directory, pid: owner }, 'another nerve uses this state directory: nothing is kept');
    return forgetful;
  }
  let saved = '';
  async function write(pid: number, tickets: Tickets): Promise<void> {
    const text = `${JSON.stringify({ machine, pid, tickets })}\n`;
    if (text === saved) return;
    saved = text;
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await writeFileAtomic(file, text, 0o600);
    } catch (error) {
      log.warn({ reason: messageOf(error) }, 'cannot note the sessions for a next nerve');
    }
  }
  return {
    tickets: found?.machine === machine ? found.tickets : {},
    save: (tickets) => write(process.pid, tickets),
    handOff: (tickets) => write(0, tickets),
    clear: () => rm(file, { force: true }).catch(() => {}),
  };
}

const forgetful: SessionStore = {
  tickets: {},
  save: async () => {},
  handOff: async () => {},
  clear: async () => {},
};

/** A file's content, where it is there and what it should be; anything else is logged and ignored. */
export async function readJson<S extends z.ZodType>(
  file: string,
  schema: S,
  log: Log,
): Promise<z.output<S> | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    if (!hasCode(error, 'ENOENT'))
      log.warn({ file, reason: messageOf(error) }, 'ignored a state file that cannot be read');
    return undefined;
  }
}

async function machineId(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${hostname()} ${boot.trim()}`;
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
