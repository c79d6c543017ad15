import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

import { hasCode, type Log, messageOf, readRegularText } from '@smartstack/daemon';
import type { z } from 'zod';

/** The state directory where the configuration does not give one. */
export function defaultStateDirectory(): string {
  // systemd's, where its unit says StateDirectory.
  const [given] = (process.env.STATE_DIRECTORY ?? '').split(':');
  if (given) return given;
  if (process.getuid?.() === 0) return '/var/lib/nerve';
  return join(process.env.XDG_STATE_HOME ?? join(homedir(), '.local', 'state'), 'nerve');
}

/** Creates a state file's folder, for this user alone. */
export async function makeFolder(file: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 });
}

/** The content of a file; undefined where there is none, or where it is not valid, which is logged. */
export async function readJson<S extends z.ZodType>(
  file: string,
  schema: S,
  log: Log,
): Promise<z.output<S> | undefined> {
  try {
    return schema.parse(JSON.parse(await readRegularText(file)));
  } catch (error) {
    if (!hasCode(error, 'ENOENT'))
      log.warn(
        {
          file,
          reason: messageOf(error),
          fix: 'let this account read it; if it is damaged, repeat the nerve down and nerve weight commands that nerve status lacks',
        },
        'ignored a state file that cannot be read',
      );
    return undefined;
  }
}
