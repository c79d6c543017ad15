import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import type { ZooKeeper } from '../../test/support/zookeeper.ts';

/** What a server has done so far. */
export interface Work {
  /** Of its process, in milliseconds; the kernel counts in steps of ten. */
  readonly cpu: number;
  /** Received and sent. */
  readonly packets: number;
}

export async function workOf({ pid, fourLetter }: ZooKeeper): Promise<Work> {
  const [stat, srvr] = await Promise.all([
    readFile(`/proc/${pid}/stat`, 'utf8'),
    fourLetter('srvr'),
  ]);
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const count = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(srvr)?.[1]);
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) * 10,
    packets: count('Received') + count('Sent'),
  };
}

/** Bytes of its heap that are in use, after a collection; undefined where there is no jcmd. */
export async function heapOf({ pid }: ZooKeeper): Promise<number | undefined> {
  try {
    const { stdout } = await promisify(execFile)('jcmd', [`${pid}`, 'GC.class_histogram'], {
      maxBuffer: 2 ** 26,
    });
    return Number(/^Total\s+\d+\s+(\d+)/m.exec(stdout)?.[1]);
  } catch {
    return undefined;
  }
}
