import { isIP } from 'node:net';
import type { Subset } from '@smartstack/policy';
import type { Service } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';

import { grpcNameOf } from '../grpc/names.ts';
import type { Resource } from '../xds/resource.ts';
import { resourceOf } from './encode.ts';
import { endpointsOf } from './endpoints.ts';
import { type Member, memberOf, nameOf, type Resolve, type Unresolved } from './members.ts';
import { clusterName } from './names.ts';

export interface EndpointsInput {
  readonly service: Service;
  /** Undefined where nobody knows them. */
  readonly members: readonly Instance[] | undefined;
  readonly leaving: readonly Instance[];
  /** The parts of its members that are served, each a cluster: the same map while they are the same. */
  readonly subsets: ReadonlyMap<string, Subset>;
  /** Whether gRPC applications have lists of their own, without those that have UNIX sockets: they refuse the whole list. */
  readonly hasSockets: boolean;
}

interface Endpoints {
  readonly resources: readonly Resource[];
  readonly unresolved: readonly Unresolved[];
}

interface Known extends Endpoints {
  readonly input: EndpointsInput;
  /** The addresses of its members' names, where some have names. */
  readonly resolved: string;
}

/** The members of services, encoded; what did not change is the same object again. */
export function createEndpoints(resolve: Resolve) {
  const known = new Map<string, Known>();
  return {
    of(input: EndpointsInput): Endpoints {
      const { name } = input.service;
      const before = known.get(name);
      const resolved = addressesIn(input, resolve);
      if (before && before.resolved === resolved && isSame(before.input, input)) return before;
      const made = { input, resolved, ...madeOf(input, resolve, before?.resources ?? []) };
      known.set(name, made);
      return made;
    },
    /** Forgets services that are not among these. */
    keep(services: { has(name: string): boolean }): void {
      for (const name of known.keys()) if (!services.has(name)) known.delete(name);
    },
  };
}

const isSame = (one: EndpointsInput, other: EndpointsInput) =>
  one.members === other.members &&
  one.leaving === other.leaving &&
  one.subsets === other.subsets &&
  one.hasSockets === other.hasSockets &&
  one.service.locality === other.service.locality;

function madeOf(
  { service, members, leaving, subsets, hasSockets }: EndpointsInput,
  resolve: Resolve,
  before: readonly Resource[],
): Endpoints {
  if (!members) return { resources: [], unresolved: [] };
  const { name, locality } = service;
  const unresolved: Unresolved[] = [];
  const reached = members.flatMap((instance): readonly Member[] => {
    const member = memberOf(instance, resolve);
    if (member) return [member];
    const { host, port } = instance;
    unresolved.push({ service: name, name: nameOf(instance), host, port: Number(port) });
    return [];
  });
  const left = leaving.flatMap((instance) => memberOf(instance, resolve) ?? []);
  const known = (made: Resource) =>
    before.find((one) => one.name === made.name && one.version === made.version) ?? made;
  const resources = [...subsets.values()].flatMap((subset) => {
    const cluster = clusterName(name, subset);
    const input = { members: reached, leaving: left, subset, locality };
    const facts = { type: 'endpoints', service: name } as const;
    const value = endpointsOf(cluster, input);
    const all = resourceOf(value, { ...facts, name: cluster, audience: 'all' });
    if (!hasSockets) return [known(all)];
    const own = grpcNameOf(cluster);
    const ofOwn = { ...input, members: reached.filter(hasPort), leaving: left.filter(hasPort) };
    const called = endpointsOf(own, ofOwn);
    return [known(all), known(resourceOf(called, { ...facts, name: own, audience: 'named' }))];
  });
  return { resources, unresolved };
}

const hasPort = ({ place }: Member) => !('socket' in place);

/** What the names among these hosts resolve to now. */
function addressesIn({ members = [], leaving }: EndpointsInput, resolve: Resolve): string {
  const [own, left] = [namesIn(members), namesIn(leaving)];
  if (own.length + left.length === 0) return '';
  return [...own, ...left].map((host) => `${host} ${resolve(host)}`).join(',');
}

/** The hosts that are no addresses: of most lists none. */
function namesIn(instances: readonly Instance[]): readonly string[] {
  const known = names.get(instances);
  if (known) return known;
  const found = instances.flatMap(({ host, port }) =>
    typeof port === 'number' && isIP(host) === 0 ? [host] : [],
  );
  names.set(instances, found);
  return found;
}

const names = new WeakMap<readonly Instance[], readonly string[]>();
