import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { createAdmin } from '../../packages/envoy/src/admin/client.ts';
import type { Subject } from './subject.fixture.ts';
import type { World } from './world.fixture.ts';

/** One line of an access log. */
export type Line = Readonly<Record<string, unknown>>;

/** What a world's proxy has written to its log; Envoy does so each 10 s, unless it is told to. */
export async function logOf({ scratch }: World, { proxy }: Pick<Subject, 'proxy'>) {
  if (proxy === 'haproxy') return readFile(scratch.path('run', 'haproxy.log'), 'utf8');
  const admin = createAdmin({ path: scratch.path('envoy', 'envoy-admin.sock') });
  await admin.post('/reopen_logs', AbortSignal.timeout(5_000));
  return readFile(scratch.path('envoy', 'envoy.log'), 'utf8');
}

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
