import { readFile } from 'node:fs/promises';

import { isRecord, messageOf, UserError } from '@smartstack/daemon';
import { descriptorLimit, runCommand } from '@smartstack/proxy';
import type { HaproxyConfig } from '../config/config.ts';

/** What a HAProxy program says of itself. */
export interface Program {
  readonly version: string;
  /** Whether it was built with the Prometheus exporter. */
  readonly exporter: boolean;
  /** Whether it was built with Lua. */
  readonly lua: boolean;
}

/** Asks a HAProxy program for its version; a `UserError` when it cannot be run. */
export async function inspectProgram(
  { binary, check_timeout }: Pick<HaproxyConfig, 'binary' | 'check_timeout'>,
  signal: AbortSignal,
): Promise<Program> {
  try {
    const options = { timeout: check_timeout, whole: true };
    const { output: stdout } = await runCommand(binary, ['-vv'], options, signal);
    const version = /^HA-?Proxy version (\S+)/m.exec(stdout)?.[1];
    if (version === undefined) throw new Error(`no version in: ${stdout.slice(0, 80)}`);
    return {
      version,
      exporter: stdout.includes('prometheus-exporter'),
      lua: /\+LUA\b/.test(stdout),
    };
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    const why = missing
      ? 'no such program; install HAProxy or set haproxy.binary'
      : messageOf(error);
    throw new UserError(`cannot run ${binary}: ${why}`, { cause: error });
  }
}

/** The version of the program that a section names, as it is written; undefined where it cannot be run. Never rejects. */
export async function programVersion(written: unknown): Promise<string | undefined> {
  const named = isRecord(written) ? written.binary : undefined;
  const binary = typeof named === 'string' && named !== '' ? named : 'haproxy';
  const never = new AbortController().signal;
  const program = await inspectProgram({ binary, check_timeout: patience }, never).catch(() => {});
  return program?.version;
}

/** How long a program may take to say its version, in milliseconds. */
const patience = 5_000;

/** The account that HAProxy's packages create, if synapse runs as root: its worker changes to it. */
export async function haproxyAccount(user = process.getuid?.()) {
  if (user !== 0) return undefined;
  const [users, groups] = await Promise.all(
    ['/etc/passwd', '/etc/group'].map((path) => readFile(path, 'utf8').catch(() => '')),
  );
  const has = (text: string | undefined) => /^haproxy:/m.test(text ?? '');
  return has(users) && has(groups) ? { user: 'haproxy', group: 'haproxy' } : undefined;
}

/**
 * Why a file needs more descriptors than a process may have, which `haproxy -c` does not see; undefined
 * when it does not. Two for each connection, one for each check and listener, a hundred for HAProxy.
 */
export async function descriptorProblem(text: string): Promise<string | undefined> {
  const maxconn = Number(/^\tmaxconn\s+(\d+)/m.exec(text)?.[1] ?? 0);
  const checks = text.match(/^\tserver .* check( |$)/gm)?.length ?? 0;
  const binds = text.match(/^\tbind /gm)?.length ?? 0;
  const needed = 2 * maxconn + checks + binds + 100;
  const limit = await raisableLimit();
  if (needed <= limit) return undefined;
  return `maxconn ${maxconn} and ${checks} checks need ${needed} file descriptors and the limit is ${limit}; raise LimitNOFILE or lower maxconn`;
}

/** Root may raise its limit up to the kernel's. */
async function raisableLimit(): Promise<number> {
  const limit = await descriptorLimit();
  if (process.getuid?.() !== 0) return limit;
  const most = await readFile('/proc/sys/fs/nr_open', 'utf8').catch(() => '');
  return Math.max(limit, Number(most));
}
