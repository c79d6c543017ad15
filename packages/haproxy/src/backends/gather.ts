import type { ProxyStatus, Refused } from '@smartstack/proxy';
import { type Measured, together } from '@smartstack/proxy';

import type { BackendPlan } from './plan.ts';

type Plans = ReadonlyMap<string, readonly BackendPlan[]>;
type Shown = NonNullable<ProxyStatus['services']>[string];
type Server = NonNullable<Shown['servers']>[number];

/** A driver's status with the servers of every backend under their service, each once. */
export function gathered(status: ProxyStatus, plans: Plans): ProxyStatus {
  const { services } = status;
  if (!services || plans.size === 0) return status;
  const shown = { ...services };
  for (const [name, backends] of plans) {
    const servers = new Map<string, Server>();
    for (const plan of backends.filter(({ isPanic }) => !isPanic))
      for (const server of shown[plan.name]?.servers ?? []) {
        const level = plan.level > 0 || hasLevels(backends) ? { level: plan.level } : {};
        const known = servers.get(server.name);
        if (!known || isWorse(server, known)) servers.set(server.name, { ...server, ...level });
      }
    for (const { name: each } of backends.slice(1)) delete shown[each];
    if (Object.hasOwn(shown, name))
      shown[name] = { ...shown[name], servers: [...servers.values()] };
  }
  return { ...status, services: shown };
}

const hasLevels = (backends: readonly BackendPlan[]) => backends.some(({ level }) => level > 0);

/** One that is out in any backend is shown so: a subset may have ejected it. */
const isWorse = (one: Server, other: Server) => one.state !== 'up' && other.state === 'up';

/** What was measured of every backend together, under their service. */
export function gatheredMeasures(
  measured: ReadonlyMap<string, Measured>,
  plans: Plans,
): ReadonlyMap<string, Measured> {
  const all = new Map(measured);
  for (const [name, backends] of plans) {
    const parts = backends.flatMap((plan) => measured.get(plan.name) ?? []);
    for (const plan of backends) all.delete(plan.name);
    if (parts.length > 0) all.set(name, together(parts));
  }
  return all;
}

/** What is left out, by service: of its backends that are, the first says why. */
export function gatheredRefusals(refused: readonly Refused[], plans: Plans): readonly Refused[] {
  const services = new Map(
    [...plans].flatMap(([service, backends]) => backends.map(({ name }) => [name, service])),
  );
  const all = new Map<string, Refused>();
  for (const one of refused) {
    const owner = services.get(one.owner) ?? one.owner;
    if (!all.has(owner)) all.set(owner, { ...one, owner });
  }
  return [...all.values()];
}
