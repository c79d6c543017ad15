import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';

/**
 * The HAProxy processes that were started with a file of this folder. A managed HAProxy outlives its
 * synapse on purpose, so it is found by its command line when synapse could not end it.
 */
export async function haproxyProcesses(folder: string): Promise<readonly number[]> {
  const processes = process.platform === 'linux' ? await fromProc() : await fromPs();
  return processes
    .filter(({ words: [program = '', ...args] }) => {
      return basename(program) === 'haproxy' && args.some((word) => word.includes(folder));
    })
    .map(({ pid }) => pid);
}

interface Process {
  readonly pid: number;
  readonly words: readonly string[];
}

async function fromProc(): Promise<readonly Process[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  return Promise.all(
    pids.map(async (pid) => {
      const line = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      return { pid: Number(pid), words: line.split('\0') };
    }),
  );
}

async function fromPs(): Promise<readonly Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-axo', 'pid=,args=']);
  return stdout.split('\n').map((line) => {
    const [pid, ...words] = line.trim().split(/\s+/);
    return { pid: Number(pid), words };
  });
}
