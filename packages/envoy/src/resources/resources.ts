import { builtIn, type Policy, type Subset } from '@smartstack/policy';
import type { Service, Snapshot } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';

import { type GrpcUse, grpcUses } from '../grpc/uses.ts';
import type { LogTarget } from '../policy/access-log.ts';
import type { Resource, ResourceSnapshot } from '../xds/resource.ts';
import { subsetsAsked } from './asked.ts';
import { createClusters } from './cluster.ts';
import { createCollection, type Part } from './collection.ts';
import { configOf } from './config.ts';
import { createEndpoints } from './endpoint-resources.ts';
import type { ListenAddress } from './listen-address.ts';
import type { Resolve, Unresolved } from './members.ts';
import { membersAt } from './served.ts';
import { targetsOf } from './targets.ts';

export interface ResourcesOptions {
  /** Whether Envoy is to serve a service. */
  serves(service: Service): boolean;
  /** Where apps connect to it; undefined where they do not. */
  listensAt(service: Service): ListenAddress | undefined;
  /** Whether gRPC applications call it without a proxy; none do where it is left out. */
  callable?(service: Service): boolean;
  /** The address of a host; undefined while it is not known. */
  readonly resolve: Resolve;
  /** Where access logs go. */
  readonly target: LogTarget;
}

/** Members that left and may finish what they have, by service. */
export type Leaving = ReadonlyMap<string, readonly Instance[]>;

/** What a snapshot comes to. */
export interface Made {
  readonly resources: ResourceSnapshot;
  /** What is left out, and why. */
  readonly refused: readonly { readonly owner: string; readonly reason: string }[];
  readonly unresolved: readonly Unresolved[];
  /** Members that gRPC applications are not told of, since they cannot connect to UNIX sockets, by service. */
  readonly sockets: ReadonlyMap<string, readonly Instance[]>;
  /** Services whose members nobody knows: there are no endpoints of theirs, which says nothing of who they are. */
  readonly unknown: readonly string[];
}

/**
 * A function from snapshots to what Envoy is told. What did not change since the last call is the same object again:
 * a change of one service's members encodes these alone.
 */
export function createResources(
  options: ResourcesOptions,
): (snapshot: Snapshot, leaving?: Leaving) => Made {
  const endpoints = createEndpoints(options.resolve);
  const collect = createCollection();
  const clusterOf = createClusters();
  const placesOf = createPlaces(options);
  let configs: ReadonlyMap<string, Config> = new Map();

  return (snapshot, leaving = new Map()) => {
    const policyOf = (name: string) => policyIn(snapshot.get(name));
    const subsets = subsetsAsked(snapshot);
    const places = placesOf(snapshot);
    const uses = grpcUses(snapshot, options.callable ?? (() => false));
    const now = new Map<string, Config>();
    const parts = new Map<string, Part>();
    const unresolved: Unresolved[] = [];
    const unknown: string[] = [];
    const sockets = new Map<string, readonly Instance[]>();
    for (const service of snapshot.values()) {
      const { name } = service;
      const asked = subsets.get(name);
      const isProxied = options.serves(service) || asked !== undefined;
      const use = uses.get(name);
      if (!isProxied && !use) continue;
      const listen = places.taken.get(name);
      const members = membersAt(service);
      const left = leaving.get(name) ?? none;
      const withSockets = use ? [...(members ?? none), ...left].filter(isSocket) : none;
      if (withSockets.length > 0) sockets.set(name, withSockets);
      const hasSockets = withSockets.length > 0;
      const around = { snapshot, policyOf, asked, listen, use, isProxied, hasSockets };
      const config = configFor(service, around, configs.get(name));
      now.set(name, config);
      if (!members) unknown.push(name);
      const made = endpoints.of({
        service,
        members,
        leaving: left,
        subsets: config.subsets,
        hasSockets,
      });
      parts.set(name, { config: config.resources, endpoints: made.resources });
      unresolved.push(...made.unresolved);
    }
    configs = now;
    endpoints.keep(now);
    return { resources: collect(parts), refused: places.refused, unresolved, sockets, unknown };
  };

  function configFor(service: Service, around: Around, before: Config | undefined): Config {
    const { listen, asked, use, isProxied, hasSockets } = around;
    const isPlain = !asked && !use && !service.policy?.policy.routes?.length;
    if (before?.service === service && isPlain && before.isPlain && isAt(before.listen, listen))
      return before;
    const policy = policyIn(service) ?? {};
    const targets = listen || use === 'called' ? targetsOf({ ...around, service, policy }) : [];
    const facts = JSON.stringify([listen, targets, [...(asked ?? [])], use, isProxied, hasSockets]);
    const isSame =
      before &&
      before.service.policy === service.policy &&
      before.service.protocol === service.protocol &&
      before.facts === facts;
    if (isSame) return { ...before, service, listen, isPlain };
    const subsets: ReadonlyMap<string, Subset> = new Map([['', {}], ...(asked ?? [])]);
    const { target } = options;
    const resources = configOf({
      service,
      policy,
      listen,
      targets,
      subsets,
      target,
      clusterOf,
      isProxied,
      use,
      hasSockets,
    });
    return { service, listen, isPlain, facts, subsets, resources };
  }
}

const isAt = (one: ListenAddress | undefined, other: ListenAddress | undefined) =>
  one?.address === other?.address && one?.port === other?.port;

/** What of others decides what is made of a service. */
interface Around {
  readonly snapshot: Snapshot;
  readonly listen: ListenAddress | undefined;
  readonly asked: ReadonlyMap<string, Subset> | undefined;
  /** What gRPC applications need of it, and whether Envoy has it at all. */
  readonly use: GrpcUse | undefined;
  readonly isProxied: boolean;
  /** Whether these cannot connect to some of its members. */
  readonly hasSockets: boolean;
  policyOf(service: string): Policy | undefined;
}

interface Config {
  readonly service: Service;
  readonly listen: ListenAddress | undefined;
  /** Whether no other service decides what is made of it. */
  readonly isPlain: boolean;
  readonly facts: string;
  /** The parts of its members that are served, each a cluster. */
  readonly subsets: ReadonlyMap<string, Subset>;
  readonly resources: readonly Resource[];
}

const none: readonly Instance[] = [];
const isSocket = ({ port }: Instance) => typeof port === 'string';

/** What is in force for a service's traffic: what is built in, where nothing asks for a policy. */
const policyIn = (service: Service | undefined): Policy | undefined =>
  service && (service.policy?.policy ?? builtIn(service.protocol ?? 'tcp'));

interface Places {
  readonly taken: ReadonlyMap<string, ListenAddress>;
  readonly refused: Made['refused'];
}

/**
 * A function that says where services are to listen. Of two at one address the first has it: Envoy would take neither. The
 * same object again where all listen as before.
 */
function createPlaces({ serves, listensAt }: ResourcesOptions): (snapshot: Snapshot) => Places {
  let names: readonly string[] = [];
  let listens: readonly ListenAddress[] = [];
  let last: Places = { taken: new Map(), refused: [] };
  return (snapshot) => {
    const [nextNames, nextListens]: [string[], ListenAddress[]] = [[], []];
    for (const service of snapshot.values()) {
      const listen = serves(service) ? listensAt(service) : undefined;
      if (!listen) continue;
      nextNames.push(service.name);
      nextListens.push(listen);
    }
    if (isSameList(nextNames, names) && isSameList(nextListens, listens)) return last;
    [names, listens] = [nextNames, nextListens];
    last = placesOf(names, listens);
    return last;
  };
}

const isSameList = <T>(one: readonly T[], other: readonly T[]) =>
  one.length === other.length && one.every((each, index) => each === other[index]);

/** `listens` says where each of the services of these names is to listen. */
function placesOf(names: readonly string[], listens: readonly ListenAddress[]): Places {
  const owners = new Map<string, string>();
  const taken = new Map<string, ListenAddress>();
  const refused: { owner: string; reason: string }[] = [];
  for (const [index, listen] of listens.entries()) {
    const name = names[index] ?? '';
    const place = `${listen.address}:${listen.port}`;
    const owner = owners.get(place);
    if (owner === undefined) {
      owners.set(place, name);
      taken.set(name, listen);
    } else refused.push({ owner: name, reason: `${owner} listens at ${place}, too` });
  }
  return { taken, refused };
}
