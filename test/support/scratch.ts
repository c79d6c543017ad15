import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Scratch extends AsyncDisposable {
  readonly directory: string;
  path(...parts: string[]): string;
}

/** A folder for one test, removed when disposed of. */
export async function createScratch(): Promise<Scratch> {
  const directory = await mkdtemp(join(tmpdir(), 'smartstack-'));
  return {
    directory,
    path: (...parts) => join(directory, ...parts),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}
