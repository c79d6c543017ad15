import { randomBytes } from 'node:crypto';
import { chmod, chown, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { messageOf } from './error.ts';

/**
 * Replaces a file whole: readers see the old content or the new, never a part, also after a crash.
 * Keeps the mode and owner of the file that it replaces; a new one gets `mode`.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Buffer,
  mode = 0o644,
): Promise<void> {
  const previous = await stat(path).catch(() => undefined);
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    if (previous) await keepOwner(temporary, previous);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    // Without the temporary name, which is another each time: the same trouble is said in the same words.
    const reason = messageOf(error).replaceAll(temporary, path);
    throw new Error(`cannot write ${path}: ${reason}`, { cause: error });
  }
}

async function keepOwner(path: string, previous: { mode: number; uid: number; gid: number }) {
  await chmod(path, previous.mode & 0o7777);
  const own = await stat(path);
  if (own.uid !== previous.uid || own.gid !== previous.gid)
    await chown(path, previous.uid, previous.gid);
}
