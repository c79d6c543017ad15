import { createAdmin } from '../../packages/envoy/src/admin/client.ts';
import type { Subject } from './subject.fixture.ts';
import type { World } from './world.fixture.ts';

/** How many requests of a service wait for a member, as its proxy says. */
export async function waitingFor(
  service: string,
  world: World,
  { proxy }: Pick<Subject, 'proxy'>,
): Promise<number> {
  if (proxy === 'haproxy') {
    const statistics = await world.haproxy.ask('show stat -1 2 -1');
    return Number(new RegExp(`^${service},BACKEND,(\\d+),`, 'm').exec(statistics)?.[1]);
  }
  const admin = createAdmin({ path: world.scratch.path('envoy', 'envoy-admin.sock') });
  const name = `cluster.${service}.upstream_rq_pending_active`;
  const answer = await admin.get(`/stats?format=text&filter=^${name}$`, AbortSignal.timeout(5_000));
  return Number(/: (\d+)/.exec(answer)?.[1]);
}
