import { randomBytes } from 'node:crypto';
import { chmod, chown, type FileHandle, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

import { messageOf } from '../error.ts';

/** How much of a text in pieces is written at once, in bytes. */
const block = 65_536;

/**
 * Replaces a file whole: readers see the old content or the new, never a part, also after a crash.
 * Keeps the mode and owner of the file that it replaces; a new one gets `mode`. A text may come in pieces,
 * which are not joined: a long text would be in memory three times. With `isDurable: false` the disk is not waited for:
 * after a crash of the machine such a file may be empty.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Buffer | readonly string[],
  mode = 0o644,
  { isDurable = true }: { readonly isDurable?: boolean } = {},
): Promise<void> {
  const previous = await stat(path).catch(() => undefined);
  const temporary = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}`);
  try {
    await writeNew(temporary, content, { mode, isDurable });
    if (previous) await keepOwner(temporary, previous);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    // Without the random temporary name, so that the same failure has the same message.
    const reason = messageOf(error).replaceAll(temporary, path);
    throw new Error(`cannot write ${path}: ${reason}`, { cause: error });
  }
}

/** Creates a file; a durable one has its content on the disk once this resolves. */
async function writeNew(
  path: string,
  content: string | Buffer | readonly string[],
  { mode, isDurable }: { readonly mode: number; readonly isDurable: boolean },
): Promise<void> {
  const file = await open(path, 'wx', mode);
  try {
    if (typeof content === 'string' || Buffer.isBuffer(content)) await file.writeFile(content);
    else await writePieces(file, content);
    if (isDurable) await file.sync();
  } finally {
    await file.close();
  }
}

async function writePieces(file: FileHandle, pieces: readonly string[]): Promise<void> {
  const buffer = Buffer.allocUnsafe(block);
  let used = 0;
  for (const piece of pieces) {
    const length = Buffer.byteLength(piece);
    if (used + length > block) {
      await file.writeFile(buffer.subarray(0, used));
      used = 0;
    }
    if (length > block) await file.writeFile(piece);
    else used += buffer.write(piece, used);
  }
  await file.writeFile(buffer.subarray(0, used));
}

async function keepOwner(path: string, previous: { mode: number; uid: number; gid: number }) {
  await chmod(path, previous.mode & 0o7777);
  const own = await stat(path);
  if (own.uid !== previous.uid || own.gid !== previous.gid)
    await chown(path, previous.uid, previous.gid);
}
