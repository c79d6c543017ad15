import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { hasCode, type Log, messageOf, writeFileAtomic } from '@smartstack/daemon';
import type { Tickets } from '@smartstack/registry';
import { z } from 'zod';

import { makeFolder, readJson } from '../operator/state-directory.ts';

const ticket = z.object({
  sessionId: z.string(),
  password: z.string(),
  paths: z.array(z.string()).readonly(),
});

const sessions = z.object({
  /** A copy of this file on another machine, or one from before a restart of this one, is worth nothing. */
  machine: z.string(),
  /** Who wrote it; while that process lives, its sessions are its own. 0 once they were handed off. */
  pid: z.int().min(0),
  /** When that process began: its number may be another's by now. */
  started: z.string().default(''),
  tickets: z.record(z.string(), ticket).readonly(),
});

type Sessions = z.output<typeof sessions>;

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

/**
 * Opens the store in a folder. Without one nothing is kept, nor while another nerve that lives has it:
 * it is this one's once that has ended. Never rejects; trouble is logged, and writing is tried again.
 */
export async function openSessionStore(directory: string | false, log: Log): Promise<SessionStore> {
  if (directory === false) return forgetful;
  const file = join(directory, 'sessions.json');
  const machine = await machineId();
  const me = { machine, pid: process.pid, started: await startOf(process.pid) };
  const found = await readJson(file, sessions, log);
  let ours = !found || !(await isHeld(found, machine));
  if (!ours)
    log.warn(
      {
        directory,
        pid: found?.pid,
        fix: 'end one of them; two that are to run side by side need an instance_id and a state_directory each',
      },
      'another nerve uses this state directory: nothing is kept',
    );
  const write = createWriter(file, log);

  async function isOurs(): Promise<boolean> {
    if (ours) return true;
    const holder = await readJson(file, sessions, log);
    ours = !holder || !(await isHeld(holder, machine));
    if (ours) log.info({ directory }, 'the state directory is free now, and used');
    return ours;
  }

  return {
    tickets: ours && found?.machine === machine ? found.tickets : {},
    save: async (tickets) => {
      if (await isOurs()) await write({ ...me, tickets });
    },
    handOff: async (tickets) => {
      if (ours) await write({ ...me, pid: 0, tickets });
    },
    clear: async () => {
      if (ours) await rm(file, { force: true }).catch(() => {});
    },
  };
}

const forgetful: SessionStore = {
  tickets: {},
  save: async () => {},
  handOff: async () => {},
  clear: async () => {},
};

function createWriter(file: string, log: Log): (content: Sessions) => Promise<void> {
  let written = '';
  let complaint = '';
  let before = Promise.resolve();

  async function write(content: Sessions): Promise<void> {
    const text = `${JSON.stringify(content)}\n`;
    if (text === written) return;
    try {
      await makeFolder(file);
      await writeFileAtomic(file, text, 0o600);
      written = text;
      complaint = '';
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== complaint)
        log.warn(
          { reason, fix: 'let this account write in state_directory, and see that there is room' },
          'cannot note the sessions for a next nerve',
        );
      complaint = reason;
    }
  }

  /** One after the other, so that what was told last is what stands. */
  return (content) => {
    before = before.then(() => write(content));
    return before;
  };
}

/** Whether another process that lives has the sessions. */
async function isHeld({ machine, pid, started }: Sessions, here: string): Promise<boolean> {
  if (machine !== here || pid === 0 || pid === process.pid || !isAlive(pid)) return false;
  const begin = await startOf(pid);
  return started === '' || begin === '' || started === begin;
}

async function machineId(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${hostname()} ${boot.trim()}`;
}

/** When a process began, in the kernel's words (field 22 of proc(5)'s stat); empty where those are not to be had. */
async function startOf(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return hasCode(error, 'EPERM');
  }
}
