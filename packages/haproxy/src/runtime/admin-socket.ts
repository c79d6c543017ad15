import { connect } from 'node:net';

import { hasCode, messageOf } from '@smartstack/daemon';

import { createFingerprints } from './fingerprint.ts';

/** Asks HAProxy's stats socket. */
export interface Runtime {
  readonly path: string;
  /**
   * One reply for each command, in order. Commands are no transaction: read every reply. Rejects
   * when HAProxy does not answer in time, or closes early: then some may have been carried out.
   */
  ask(commands: readonly string[], signal: AbortSignal): Promise<readonly string[]>;
  /**
   * A hash of the servers' states by backend, apart from their ages. Costs a hundredth of parsing them.
   */
  fingerprints(signal: AbortSignal): Promise<ReadonlyMap<string, number>>;
}

/** How many commands go over one connection: with big backends more would stall HAProxy's traffic. */
const chunkSize = 50;
/** Below HAProxy's `tune.bufsize` of 16 KB, so that it takes all of them in at once. */
const chunkBytes = 12_000;

/** A client of one stats socket; each request has its own connection, one at a time. */
export function createRuntime(path: string, timeout = 5_000): Runtime {
  return {
    path,
    ask: async (commands, signal) => {
      const replies: string[] = [];
      for (const chunk of chunks(commands)) {
        const request = `${['prompt', ...chunk, 'quit'].join('\n')}\n`;
        const text = await exchange(path, request, { timeout, signal });
        const parts = splitReplies(text);
        if (parts.length !== chunk.length)
          throw new Error(
            `cannot ask HAProxy at ${path}: ${parts.length} replies to ${chunk.length} commands`,
          );
        replies.push(...parts);
      }
      return replies;
    },
    fingerprints: async (signal) => {
      const { take, values } = createFingerprints();
      await answered(path, 'show servers state\n', { timeout, signal, take });
      return values();
    },
  };
}

/**
 * Interactive mode ends the reply to each line with a prompt at the start of a line, the only sure separator. Up to
 * HAProxy 3.0 it ends that of each command of a line too; since then a line must have one command only.
 */
function splitReplies(text: string): readonly string[] {
  const parts = text.split(/(?:^|\n)> /);
  return parts.slice(1, -1).map((reply) => reply.trim());
}

function* chunks(commands: readonly string[]): Generator<readonly string[]> {
  let chunk: string[] = [];
  let bytes = 0;
  for (const command of commands) {
    if (chunk.length >= chunkSize || (chunk.length > 0 && bytes + command.length > chunkBytes)) {
      yield chunk;
      chunk = [];
      bytes = 0;
    }
    chunk.push(command);
    bytes += command.length + 1;
  }
  if (chunk.length > 0) yield chunk;
}

/** Whether an error of `ask` means that no process listens there, rather than that one does not answer in time. */
export function isGone(error: unknown): boolean {
  return isRemoved(error) || (error instanceof Error && hasCode(error.cause, 'ECONNREFUSED'));
}

/** Whether an error of `ask` means that there is no such socket. */
export function isRemoved(error: unknown): boolean {
  return error instanceof Error && hasCode(error.cause, 'ENOENT');
}

interface ExchangeOptions {
  /** In milliseconds. */
  readonly timeout: number;
  readonly signal: AbortSignal;
  /** The longest answer, in bytes. */
  readonly limit?: number;
}

/** Writes a request to a UNIX socket and reads the answer until it closes. */
export async function exchange(
  path: string,
  request: string,
  options: ExchangeOptions,
): Promise<string> {
  const pieces: Buffer[] = [];
  await answered(path, request, { ...options, take: (piece) => pieces.push(piece) });
  return Buffer.concat(pieces).toString();
}

/** More than HAProxy says of 500,000 servers, in bytes. */
const mostBytes = 256 * 1_048_576;

/** The same, but hands each piece on as it comes. An answer that does not end is cut off. */
function answered(
  path: string,
  request: string,
  { timeout, signal, take, limit = mostBytes }: ExchangeOptions & { take(piece: Buffer): unknown },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    const fail = (error: unknown) => {
      cleanUp();
      reject(new Error(`cannot ask HAProxy at ${path}: ${messageOf(error)}`, { cause: error }));
    };
    const abort = () => fail(signal.reason);
    const timer = setTimeout(() => fail(new Error(`no answer in ${timeout} ms`)), timeout);
    const cleanUp = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
      socket.destroy();
    };
    let received = 0;
    socket.on('data', (piece) => {
      received += piece.length;
      if (received > limit) fail(new Error(`an answer of over ${limit} bytes`));
      else take(piece);
    });
    socket.on('error', fail);
    socket.on('end', () => {
      cleanUp();
      resolve();
    });
    if (signal.aborted) abort();
    else {
      signal.addEventListener('abort', abort, { once: true });
      socket.write(request);
    }
  });
}
