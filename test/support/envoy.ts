import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { execa } from 'execa';

import { type Admin, createAdmin } from '../../packages/envoy/src/admin/client.ts';
import { serverInfo } from '../../packages/envoy/src/admin/server-info.ts';
import { until } from './until.ts';

/** The program that `scripts/envoy.sh` has fetched, or `ENVOY`. */
export function envoyBinary(): string {
  const { ENVOY: given } = process.env;
  if (given !== undefined) return given;
  const script = fileURLToPath(new URL('../../scripts/envoy.sh', import.meta.url));
  const path = execFileSync('bash', [script, '--paths'], { encoding: 'utf8' }).trim();
  if (!existsSync(path)) throw new Error(`no Envoy at ${path}: bash scripts/envoy.sh fetches it`);
  return path;
}

/** An Envoy with a bootstrap file of the test's own, which is ended with it. */
export interface RawEnvoy extends AsyncDisposable {
  readonly pid: number;
  readonly admin: Admin;
  /** What it logged. */
  log(): Promise<string>;
  kill(signal: NodeJS.Signals): void;
}

/**
 * Starts an Envoy in a folder with a bootstrap, to which an admin socket is added; resolves once it serves, or answers
 * at all where its resources come from a server.
 */
export async function startEnvoy(bootstrap: object, directory: string): Promise<RawEnvoy> {
  await mkdir(directory, { recursive: true });
  const path = `${directory}/admin.sock`;
  const file = `${directory}/bootstrap.json`;
  const address = { pipe: { path, mode: 0o600 } };
  await writeFile(file, JSON.stringify({ admin: { address }, ...bootstrap }));
  const args = ['-c', file, '--disable-hot-restart', '-l', 'warning', '--concurrency', '1'];
  const child = execa(envoyBinary(), args, { reject: false, all: true });
  const admin = createAdmin({ path });
  const { signal } = new AbortController();
  const isServed = !('dynamic_resources' in bootstrap);
  await until(async () => {
    if (child.exitCode !== null) throw new Error(`Envoy ended: ${(await child).all?.slice(-2000)}`);
    const { state } = await serverInfo(admin, signal);
    return !isServed || state === 'LIVE';
  });
  return {
    pid: child.pid ?? 0,
    admin,
    log: async () => (await child).all ?? '',
    kill: (name) => void child.kill(name),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGCONT');
      child.kill('SIGKILL');
      await child;
    },
  };
}

/** The processes that run the managed bootstrap file of a folder. */
export async function envoysOf(directory: string): Promise<readonly number[]> {
  const pids: number[] = [];
  for (const name of await readdir('/proc')) {
    const command = await readFile(`/proc/${name}/cmdline`, 'utf8').catch(() => '');
    if (command.includes(`${directory}/envoy.json`)) pids.push(Number(name));
  }
  return pids;
}

/** Ends what runs the managed bootstrap file of a folder. */
export async function killEnvoys(directory: string): Promise<void> {
  for (;;) {
    const pids = await envoysOf(directory);
    if (pids.length === 0) return;
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It has just ended.
      }
    }
    await sleep(20);
  }
}
