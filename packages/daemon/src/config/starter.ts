import { writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

import { hasCode, messageOf, UserError } from '../error.ts';

/** Writes a file to start from; rejects with a `UserError` where one is there already, unless `force`d. */
export async function writeStarter(file: string, text: string, force: boolean): Promise<void> {
  await writeFile(file, text, { flag: force ? 'w' : 'wx' }).catch((error: unknown) => {
    if (hasCode(error, 'EEXIST'))
      throw new UserError(
        `cannot write ${file}: it is there already; name another file, or overwrite it with --force`,
      );
    throw new UserError(
      `cannot write ${file}: ${messageOf(error)}; name a file in a folder that you may write to`,
      { cause: error },
    );
  });
}

/** The folder that both daemons' starter files name for a registry with no server: one that this user may write to. */
export function starterRegistry(): string {
  return process.getuid?.() === 0
    ? '/var/lib/smartstack/registry'
    : join(homedir(), '.local', 'state', 'smartstack', 'registry');
}
