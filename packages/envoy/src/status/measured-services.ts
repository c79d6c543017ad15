import { restRoute, routeNames } from '@smartstack/policy';

import type { MeasuredService } from '../admin/measuring.ts';
import type { Desired } from '../desired/desire.ts';
import { listenerName } from '../resources/names.ts';

/** The services that apps connect to, as what Envoy counts of them is named. */
export function measuredServices({
  resources,
  snapshot,
}: Pick<Desired, 'resources' | 'snapshot'>): ReadonlyMap<string, MeasuredService> {
  const clusters = new Map<string, string[]>();
  for (const { name, service, audience } of resources.cluster.values())
    if (audience === 'all') clusters.set(service, [...(clusters.get(service) ?? []), name]);
  const measured = new Map<string, MeasuredService>();
  for (const [name, own] of clusters) {
    const service = snapshot.get(name);
    if (!service || !resources.listener.has(listenerName(name))) continue;
    const { policy, protocol = 'tcp' } = service;
    const ejection = policy?.policy.outlier_ejection;
    measured.set(name, {
      mode: protocol === 'tcp' ? 'tcp' : 'http',
      clusters: own,
      routes: policy ? [...routeNames(policy.policy.routes ?? []), restRoute] : [],
      ejectFor: ejection ? ejection.eject_for : undefined,
    });
  }
  return measured;
}
