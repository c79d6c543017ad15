import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { execa } from 'execa';

import { createScratch } from '../support/scratch.ts';
import { until } from '../support/until.ts';

/** A clean Debian, booted with a systemd of its own; it shares this process's network. */
export interface Machine extends AsyncDisposable {
  /** Runs a command in it, as root; what it printed. Rejects, with all that it printed, unless it exits with 0. */
  run(command: string, ...args: readonly string[]): Promise<string>;
  /** Runs a line of shell in it. */
  sh(line: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
  /** Copies a file into it. */
  bring(from: string, to: string): Promise<void>;
  /** One property of a unit, such as MainPID. */
  show(unit: string, property: string): Promise<string>;
}

const script = fileURLToPath(new URL('boot.sh', import.meta.url));

/** Boots a machine on the root that `scripts/debian-root.sh` keeps; resolves once it is up. */
export async function bootMachine(): Promise<Machine> {
  const scratch = await createScratch();
  const { SMARTSTACK_DEBIAN_ROOT: lower = '' } = process.env;
  const booter = spawn('bash', [script, lower, scratch.directory], { stdio: 'ignore' });
  const pid = await until(() => childOf(booter.pid ?? 0));
  const enter = ['-t', `${pid}`, '-m', '-u', '-i', '-p', '-C', '--root', '--wdns=/'];
  const run = async (command: string, ...args: readonly string[]) => {
    const env = {
      PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
      HOME: '/root',
    };
    const options = { env, extendEnv: false, all: true, stdin: 'ignore' as const };
    return `${(await execa('/usr/bin/nsenter', [...enter, command, ...args], options)).all}`;
  };
  const inside = (path: string) => `/proc/${pid}/root${path}`;
  await until(async () => (await run('systemctl', 'is-system-running')) === 'running');
  return {
    run,
    sh: (line) => run('bash', '-euc', line),
    write: async (path, text) => {
      await mkdir(dirname(inside(path)), { recursive: true });
      await writeFile(inside(path), text);
    },
    bring: (from, to) => cp(from, inside(to)),
    show: (unit, property) => run('systemctl', 'show', '-P', property, unit),
    [Symbol.asyncDispose]: async () => {
      const ended = once(booter, 'exit');
      process.kill(pid, 'SIGKILL');
      await ended;
      await until(() => removeGroups(scratch.path('cgroup')));
      await scratch[Symbol.asyncDispose]();
    },
  };
}

/** The process that a process started, if it did: the machine's first. */
async function childOf(pid: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8');
  const child = Number(children.trim().split(' ')[0]);
  const name = await readFile(`/proc/${child}/comm`, 'utf8');
  return name.trim() === 'systemd' ? child : undefined;
}

/** The kernel forgets a group only once each of its processes has ended. */
async function removeGroups(file: string): Promise<boolean> {
  await removeGroup((await readFile(file, 'utf8')).trim());
  return true;
}

async function removeGroup(path: string): Promise<void> {
  for (const entry of await readdir(path, { withFileTypes: true }))
    if (entry.isDirectory()) await removeGroup(join(path, entry.name));
  await rmdir(path);
}
