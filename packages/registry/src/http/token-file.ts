import { type Log, readRegularText } from '@smartstack/daemon';

import { createFromFiles } from './from-files.ts';

/** No token is longer, in bytes. */
const limit = 64 * 1024;

/** The token in a file, without white space around it; read again when the file changes, and a bad one keeps the last good. */
export function createTokenFile(file: string, log: Log, pause?: number): () => Promise<string> {
  return createFromFiles({
    files: [file],
    what: 'tokens',
    log,
    pause,
    make: async () => {
      const token = (await readRegularText(file, { limit })).trim();
      if (token === '') throw new Error(`${file} is empty`);
      if (!/^[\x21-\x7e]+$/.test(token)) throw new Error(`${file} holds no token`);
      return token;
    },
  });
}
