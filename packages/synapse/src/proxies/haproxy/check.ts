import { messageOf } from '@smartstack/daemon';

import type { File, Section } from './layout.ts';
import { runCommand } from './run-command.ts';

/** One thing that HAProxy found wrong with a file. */
export interface Finding {
  readonly message: string;
  /** The section that it is about, where that can be told. */
  readonly section: Section | undefined;
}

/** HAProxy's verdict: nothing wrong, or what; `warnings` are its other words. */
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
  return { valid: false, findings: readFindings(run.output, file) };
}

/** Alerts of `haproxy -c`, with the section each is about: by its line, else by the proxy that it names. */
export function readFindings(output: string, file: File): readonly Finding[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('[ALERT]'))
    .map((line) => line.replace(/^\[ALERT\]\s*\(\d+\)\s*:\s*(config\s*:\s*)?/, ''))
    .filter((message) => !/^(Error\(s\) found|Fatal errors found)/.test(message))
    .map((message) => ({ message: readable(message, file), section: sectionOf(message, file) }));
}

const place = /(?:parsing )?\[[^\]]*?:(\d+)\]\s*:?\s*/;

function sectionOf(message: string, file: File): Section | undefined {
  const line = place.exec(message)?.[1];
  if (line !== undefined) return file.sectionAt(Number(line));
  const name = /(?:proxy|backend|frontend|listen)\s+'([^']+)'/i.exec(message)?.[1];
  return name === undefined ? undefined : file.sectionNamed(name);
}

/** The candidate's path and line number say nothing to a reader; the line itself does. */
function readable(message: string, file: File): string {
  const line = place.exec(message)?.[1];
  const text = line === undefined ? undefined : file.lineAt(Number(line));
  const said = message.replace(place, '').trim();
  return text === undefined ? said : `${said} (line "${text}")`;
}
