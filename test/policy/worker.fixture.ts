import { envoysOf } from '../support/envoy.ts';
import { workerOf as haproxyWorker } from '../support/stats-socket.ts';
import type { Subject } from './subject.fixture.ts';
import type { World } from './world.fixture.ts';

/** The process of a world's proxy that serves now: another one after a reload or a restart. */
export async function workerOf(
  { haproxy, scratch }: World,
  { proxy }: Pick<Subject, 'proxy'>,
): Promise<number> {
  if (proxy === 'haproxy') return haproxyWorker(haproxy);
  const [pid, ...others] = await envoysOf(scratch.path('envoy'));
  if (pid === undefined || others.length > 0) throw new Error(`not one Envoy: ${pid}, ${others}`);
  return pid;
}
