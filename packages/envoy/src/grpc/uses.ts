import type { Service, Snapshot } from '@smartstack/proxy';

/** What gRPC applications need of a service: they call it by its name, or calls of another one are sent to it. */
export type GrpcUse = 'called' | 'reached';

/** The services that gRPC applications need, and for what. */
export function grpcUses(
  snapshot: Snapshot,
  isCalled: (service: Service) => boolean,
): ReadonlyMap<string, GrpcUse> {
  const uses = new Map<string, GrpcUse>();
  for (const service of snapshot.values()) {
    if (!isCalled(service)) continue;
    uses.set(service.name, 'called');
    for (const { to = [] } of service.policy?.policy.routes ?? [])
      for (const { service: name } of to)
        if (name !== undefined && !uses.has(name)) uses.set(name, 'reached');
  }
  return uses;
}
