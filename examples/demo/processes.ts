import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { promisify } from 'node:util';

export interface Process {
  readonly pid: number;
  /** Its command line. */
  readonly words: readonly string[];
}

/** The processes whose command line names a folder. */
export async function processesNaming(folder: string): Promise<readonly Process[]> {
  const all = process.platform === 'linux' ? await fromProc() : await fromPs();
  return all.filter(({ words }) => words.some((word) => word.includes(folder)));
}

/**
 * The proxy's processes that run on a file of this folder. A managed proxy outlives its synapse on
 * purpose, so it is found by its command line when synapse could not end it.
 */
export async function proxyProcesses(folder: string): Promise<readonly number[]> {
  const processes = await processesNaming(folder);
  return processes
    .filter(({ words: [program = ''] }) => ['haproxy', 'envoy'].includes(basename(program)))
    .map(({ pid }) => pid);
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
