import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

import type { Target } from './check.ts';
import { lookup } from './lookup.ts';

/** The longest answer that is read; a longer one fails the check. */
const limit = 65_536;

/** A connection that is read line by line. */
export interface Conversation {
  write(bytes: Uint8Array | string): void;
  /** The next line, without its ending; rejects when it is too long. */
  line(): Promise<string>;
}

/**
 * Connects, runs the exchange, and always closes the connection. Rejects with the first error: of the
 * connection, of the exchange, or of the signal.
 */
export async function converse(
  target: Target,
  talk: (conversation: Conversation) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const socket = connect({ ...target, lookup });
  const trouble = troubleOf(socket, signal);
  try {
    const talked = once(socket, 'connect').then(() => talk(conversationOver(socket)));
    await Promise.race([talked, trouble.happened]);
  } finally {
    trouble.end();
    socket.destroy();
  }
}

function troubleOf(socket: Socket, signal: AbortSignal) {
  let end = () => {};
  const happened = new Promise<never>((_, reject) => {
    const onAbort = () => reject(signal.reason);
    end = () => signal.removeEventListener('abort', onAbort);
    signal.addEventListener('abort', onAbort);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('connection closed before the answer was whole')));
  });
  return { happened, end: () => end() };
}

function conversationOver(socket: Socket): Conversation {
  const chunks = socket.setEncoding('latin1')[Symbol.asyncIterator]() as AsyncIterator<string>;
  let text = '';
  return {
    write: (bytes) => void socket.write(bytes),
    line: async () => {
      let end = text.indexOf('\n');
      while (end === -1) {
        if (text.length > limit) throw new Error('the answer is too long');
        const { value, done } = await chunks.next();
        if (done) throw new Error('connection closed before the answer was whole');
        text += value;
        end = text.indexOf('\n');
      }
      const line = text.slice(0, end).replace(/\r$/, '');
      text = text.slice(end + 1);
      return line;
    },
  };
}
