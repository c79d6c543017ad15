import { readFile, rm } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';

import { hasCode, type Log, messageOf, writeFileAtomic } from '@smartstack/daemon';
import {
  type ConsulSection,
  consulSchema,
  type Tickets,
  type UsedAgent,
} from '@smartstack/registry';
import { z } from 'zod';

import { makeFolder, readJson } from '../operator/state-directory.ts';

const ticket = z.object({
  sessionId: z.string(),
  password: z.string(),
  paths: z.array(z.string()).readonly(),
});

const sessions = z.object({
  /** A copy of this file on another machine, or one from before a restart of this one, is not used. */
  machine: z.string(),
  /** The process that wrote it; while it runs, no other uses its sessions. 0 once they were handed off. */
  pid: z.int().min(0),
  /** When that process started: its number may be another's by now. */
  started: z.string().default(''),
  tickets: z.record(z.string(), ticket).readonly(),
  /** Agents of Consul, which keep their services over a restart of the machine. */
  agents: z
    .array(z.object({ section: consulSchema, day: z.int() }))
    .readonly()
    .catch([]),
});

type Sessions = z.input<typeof sessions>;

/** The sessions and leases of an earlier nerve, and where this one saves its own. */
export interface SessionStore {
  /** Sessions to take over. */
  readonly tickets: Tickets;
  /** Agents of Consul at which it may have left services. */
  readonly agents: readonly UsedAgent<ConsulSection>[];
  /** Saves the sessions, readable by this user alone as they hold secrets; does nothing when nothing changed. */
  save(tickets: Tickets, agents?: readonly UsedAgent[]): Promise<void>;
  /** Saves the sessions as the next nerve's to take over. */
  handOff(tickets: Tickets, agents?: readonly UsedAgent[]): Promise<void>;
  /** Removes the sessions, which were closed. */
  clear(): Promise<void>;
}

/**
 * Opens the store in a folder. Nothing is saved without a folder, nor while another running nerve uses it;
 * once that has ended, this one does. Never rejects; what fails is logged, and writing is tried again.
 */
export async function openSessionStore(directory: string | false, log: Log): Promise<SessionStore> {
  if (directory === false) return noStore;
  const file = join(directory, 'sessions.json');
  const machine = await machineId();
  const me = { machine, pid: process.pid, started: await startOf(process.pid) };
  const found = await readJson(file, sessions, log);
  let isOwn = !found || !(await isInUse(found, machine));
  if (!isOwn)
    log.warn(
      {
        directory,
        pid: found?.pid,
        fix: 'end one of them; two that are to run side by side need an instance_id and a state_directory each',
      },
      'another nerve uses this state directory: nothing is kept',
    );
  const write = createWriter(file, log);

  async function canWrite(): Promise<boolean> {
    if (isOwn) return true;
    const other = await readJson(file, sessions, log);
    isOwn = !other || !(await isInUse(other, machine));
    if (isOwn) log.info({ directory }, 'the state directory is free now, and used');
    return isOwn;
  }

  return {
    tickets: isOwn && found?.machine === machine ? found.tickets : {},
    agents: isOwn && found ? found.agents : [],
    save: async (tickets, agents = []) => {
      if (await canWrite()) await write({ ...me, tickets, agents: [...agents] });
    },
    handOff: async (tickets, agents = []) => {
      if (isOwn) await write({ ...me, pid: 0, tickets, agents: [...agents] });
    },
    clear: async () => {
      if (isOwn) await rm(file, { force: true }).catch(() => {});
    },
  };
}

const noStore: SessionStore = {
  tickets: {},
  agents: [],
  save: async () => {},
  handOff: async () => {},
  clear: async () => {},
};

const fix = 'let this account write in state_directory, and see that there is room';

function createWriter(file: string, log: Log): (content: Sessions) => Promise<void> {
  let written = '';
  let failure = '';
  return inSequence(async (content) => {
    const text = `${JSON.stringify(content)}\n`;
    if (text === written) return;
    try {
      await makeFolder(file);
      await writeFileAtomic(file, text, 0o600);
      written = text;
      failure = '';
    } catch (error) {
      const reason = messageOf(error);
      if (reason !== failure)
        log.warn({ reason, fix }, 'cannot save the sessions for the next nerve');
      failure = reason;
    }
  });
}

/** One write after the other, so that the file ends with the newest content. */
function inSequence<T>(write: (content: T) => Promise<void>): (content: T) => Promise<void> {
  let before = Promise.resolve();
  return (content) => {
    before = before.then(() => write(content));
    return before;
  };
}

/** Whether another running process uses the sessions. */
async function isInUse({ machine, pid, started = '' }: Sessions, here: string): Promise<boolean> {
  if (machine !== here || pid === 0 || pid === process.pid || !isAlive(pid)) return false;
  const begin = await startOf(pid);
  return started === '' || begin === '' || started === begin;
}

async function machineId(): Promise<string> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return `${hostname()} ${boot.trim()}`;
}

/** When a process started, as the kernel writes it (field 22 of `stat` in proc(5)); empty where that is not available. */
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
