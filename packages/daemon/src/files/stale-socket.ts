import { once } from 'node:events';
import { lstat, rm } from 'node:fs/promises';
import { connect } from 'node:net';

import { hasCode } from '../error.ts';

/**
 * Removes a UNIX socket that a process left which was killed, so that another one can listen there. Rejects where there
 * is something else, or a process listens.
 */
export async function removeStaleSocket(path: string): Promise<void> {
  const found = await lstat(path).catch((error: unknown) => {
    if (hasCode(error, 'ENOENT')) return undefined;
    throw error;
  });
  if (!found) return;
  if (!found.isSocket()) throw new Error('there is something that is no socket');
  if (await isServed(path)) throw new Error('another process listens there');
  await rm(path, { force: true });
}

async function isServed(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if (hasCode(error, 'ECONNREFUSED') || hasCode(error, 'ENOENT')) return false;
    throw error;
  } finally {
    socket.destroy();
  }
}
