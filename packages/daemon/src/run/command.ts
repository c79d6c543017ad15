import { existsSync, readFileSync } from 'node:fs';

import { ConfigError } from '../config/source.ts';
import { hasCode, UserError } from '../error.ts';

/** Resolves to the loaded configuration; an error that the user can fix is printed without a stack, and ends the process. */
export async function orExit<T>(loading: Promise<T>, code = 1): Promise<T> {
  try {
    return await loading;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`${error.message}\n`);
    if (error instanceof ConfigError) process.stderr.write(`${adviceFor(error)}\n`);
    process.exit(code);
  }
}

function adviceFor({ problems }: ConfigError): string {
  const what = problems.length === 1 ? 'this problem' : `these ${problems.length} problems`;
  return `fix ${what}, then run check-config again`;
}

/** Says that a configuration file is good, and what it holds. */
export function sayOk(file: string, services: number): void {
  process.stdout.write(`${file}: ok, ${services} service${services === 1 ? '' : 's'}\n`);
}

/** Lets a command end quietly once the reader of its output has enough, as in `status --watch | head`. */
export function endWithReader(): void {
  process.stdout.on('error', (error) => {
    if (hasCode(error, 'EPIPE')) process.exit();
    throw error;
  });
}

/** The version of the package that a module belongs to. */
export function versionOf(moduleUrl: string): string {
  const manifest = readFileSync(packageFile(moduleUrl, 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

/** A file of the package that a module belongs to, however deep in it the module is, bundled or not. */
export function packageFile(moduleUrl: string, name: string): URL {
  let folder = new URL('.', moduleUrl);
  while (!existsSync(new URL('package.json', folder)) && folder.pathname !== '/')
    folder = new URL('..', folder);
  return new URL(name, folder);
}
