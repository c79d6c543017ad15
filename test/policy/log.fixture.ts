import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** One line of an access log. */
export type Line = Readonly<Record<string, unknown>>;

/** All lines of JSON in a log; what begins as one has to be one. */
export function linesIn(log: string): readonly Line[] {
  const all = log.split('\n').filter((line) => line.startsWith('{'));
  return all.map((line) => JSON.parse(line) as Line);
}

/** Sends bytes on a connection of its own, and reads until it ends or `wait` is over, then drops it. */
export async function raw(port: number, bytes: Buffer | string, wait = 2_000): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => {});
  await once(socket, 'connect');
  if (bytes.length > 0) socket.write(bytes);
  socket.resume();
  await Promise.race([once(socket, 'close'), sleep(wait, undefined, { ref: false })]);
  socket.resetAndDestroy();
}
