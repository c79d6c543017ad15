import { messageOf } from '@smartstack/daemon';
import { runCommand } from '@smartstack/proxy';
import type { File } from '../render/file.ts';

/** One thing that HAProxy found wrong with a file. */
export interface Finding {
  readonly message: string;
  /** The service, or other owner, whose lines it is about; undefined where that is not known. */
  readonly owner: string | undefined;
}

/** HAProxy's verdict on a file, and what is wrong. */
export interface Verdict {
  readonly valid: boolean;
  readonly findings: readonly Finding[];
}

export interface CheckOptions {
  readonly binary: string;
  readonly timeout: number;
  /** A shell command that judges instead of `haproxy -c`. */
  readonly command?: string | undefined;
}

/**
 * Lets HAProxy judge a file that is at a path. Rejects when there is no verdict: no such program, or
 * none in time.
 */
export async function checkFile(
  path: string,
  file: File,
  { binary, timeout, command }: CheckOptions,
  signal: AbortSignal,
): Promise<Verdict> {
  const [program, args] = command === undefined ? [binary, ['-c', '-f', path]] : [command, []];
  const options = { timeout, shell: command !== undefined, whole: true };
  const run = await runCommand(program, args, options, signal).catch((error: unknown) => {
    throw new Error(`cannot check ${path}: ${messageOf(error)}`, { cause: error });
  });
  signal.throwIfAborted();
  if (run.isLate)
    throw new Error(`cannot check ${path}: ${program} gave no verdict in ${timeout} ms`);
  if (run.exitCode === 0) return { valid: true, findings: [] };
  const findings = readFindings(run.output, file);
  if (findings.length > 0) return { valid: false, findings };
  const said = run.output.trim().slice(-500) || `exit code ${run.exitCode ?? 'none'}`;
  return { valid: false, findings: [{ message: `${program}: ${said}`, owner: undefined }] };
}

/** Alerts of `haproxy -c`, with the section each is about: by its line, else by the proxy that it names. */
export function readFindings(output: string, file: File): readonly Finding[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('[ALERT]'))
    .map((line) => line.replace(/^\[ALERT\]\s*\(\d+\)\s*:\s*(config\s*:\s*)?/, ''))
    .filter((message) => !/^(Error\(s\) found|Fatal errors found)/.test(message))
    .map((message) => ({ message: readable(message, file), owner: ownerOf(message, file) }));
}

const place = /(?:parsing )?\[[^\]]*?:(\d+)\]\s*:?\s*/;

function ownerOf(message: string, file: File): string | undefined {
  const line = place.exec(message)?.[1];
  if (line !== undefined) return file.ownerAt(Number(line));
  const [, name] = /(?:proxy|backend|frontend|listen)\s+'([^']+)'/i.exec(message) ?? [];
  const words = [...message.matchAll(/'([^']+)'/g)].map(([, word]) => word ?? '');
  return name === undefined ? undefined : file.ownerOf(name, words);
}

/** Quotes the line itself: the candidate's path and line number help no reader. */
function readable(message: string, file: File): string {
  const line = place.exec(message)?.[1];
  const text = line === undefined ? undefined : file.lineAt(Number(line));
  const said = message.replace(place, '').trim();
  return text === undefined ? said : `${said} (line "${text}")`;
}
