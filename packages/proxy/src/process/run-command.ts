import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';

import { createDeadline } from '@smartstack/daemon';

/** How a command ended. */
export interface Outcome {
  /** Undefined when it was ended by force. */
  readonly exitCode: number | undefined;
  readonly isLate: boolean;
  /** The last 64 KB that it wrote, both streams. */
  readonly output: string;
}

export interface CommandOptions {
  readonly timeout: number;
  /** Whether the command is a line for the shell. */
  readonly shell?: boolean;
  /** Whether its own child processes are killed too when it is late. */
  readonly whole?: boolean;
}

const most = 65_536;
/** How long output may still come after the end, in milliseconds. */
const patience = 200;

/**
 * Runs a command until it ends, is late or the signal aborts; rejects when it cannot be started. Its
 * own end counts: processes that it left behind may hold its output open for ever.
 */
export async function runCommand(
  command: string,
  args: readonly string[],
  { timeout, shell = false, whole = false }: CommandOptions,
  signal: AbortSignal,
): Promise<Outcome> {
  const child = spawn(command, args, { shell, detached: whole, stdio: ['ignore', 'pipe', 'pipe'] });
  const output = lastOutput(child.stdout, child.stderr);
  using deadline = createDeadline(timeout, signal);
  const kill = () => end(child.pid, whole);
  if (signal.aborted) kill();
  deadline.signal.addEventListener('abort', kill, { once: true });
  try {
    const [exitCode] = (await once(child, 'exit')) as [number | null];
    if (!deadline.signal.aborted) await settled(child.stdout, child.stderr);
    return { exitCode: exitCode ?? undefined, isLate: deadline.isOver, output: output() };
  } finally {
    deadline.signal.removeEventListener('abort', kill);
    for (const stream of [child.stdout, child.stderr]) stream.destroy();
  }
}

/** A function that answers the last 64 KB of these streams. */
function lastOutput(...streams: readonly Readable[]): () => string {
  let output = '';
  for (const stream of streams)
    stream.on('data', (piece: Buffer) => {
      output = (output + piece.toString()).slice(-most);
    });
  return () => output;
}

/** What was written before the end is read; what keeps the stream open is not waited for. */
async function settled(...streams: readonly Readable[]): Promise<void> {
  const open = streams.filter((stream) => !stream.readableEnded);
  if (open.length === 0) return;
  const enough = new AbortController();
  const { signal } = enough;
  const ends = open.map((stream) => once(stream, 'end', { signal }).catch(() => undefined));
  await Promise.race([Promise.all(ends), sleep(patience, undefined, { signal })]);
  enough.abort();
}

function end(pid: number | undefined, whole: boolean): void {
  if (pid === undefined) return;
  try {
    process.kill(whole ? -pid : pid, 'SIGKILL');
  } catch {
    // It ended by itself just now.
  }
}
