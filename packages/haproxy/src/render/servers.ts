import { hostname } from 'node:os';
import { differenceOf, placeIn } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import { hash32 } from './hash.ts';
import {
  madeOf,
  type Refusal,
  type Server,
  type ServerSettings,
  serverName,
  sha1,
  socketOf,
} from './server.ts';

/** A member that is not served because its host does not resolve. */
export interface Unresolved {
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

/** The servers that stand for a list of instances. */
export interface Servers {
  readonly instances: readonly Instance[];
  /** In the order of the file. */
  readonly servers: readonly Server[];
  readonly refusals: readonly Refusal[];
  /** Members without a server, because their names do not resolve. */
  readonly unresolved: readonly Unresolved[];
  /** Whether each instance has a server of its own plain name and address, and nothing was refused. */
  readonly isPlain: boolean;
}

/**
 * The servers that stand for a service's instances, in the order of the file, and what was refused.
 * Instances are untrusted: nothing of one changes another's server. Hosts that do not resolve are
 * left out. `before` was made with the same settings: a list that differs from it by little costs little.
 */
export function serversOf(
  instances: readonly Instance[],
  settings: ServerSettings,
  before?: Servers,
): Servers {
  return (before && after(before, instances, settings)) ?? all(instances, settings);
}

function all(instances: readonly Instance[], settings: ServerSettings): Servers {
  const refusals: Refusal[] = [];
  const unresolved: Unresolved[] = [];
  const names = uniqueNames(instances);
  const servers: Server[] = [];
  let isPlain = names.length === instances.length;
  for (const { instance, name } of names) {
    const host = socketOf(instance) ?? settings.resolve(instance.host, name);
    isPlain &&= host === instance.host && name === serverName(instance);
    if (host === undefined) {
      const port = settings.service.server_port_override ?? Number(instance.port);
      unresolved.push({ name, host: instance.host, port });
      continue;
    }
    const { server, refused } = madeOf(instance, { name, host }, settings);
    if (refused.length > 0) refusals.push({ server: name, options: refused });
    servers.push(server);
  }
  isPlain &&= refusals.length === 0;
  return { instances, servers: inOrder(servers, settings), refusals, unresolved, isPlain };
}

/** Up to so many new instances are inserted one by one; for more, the whole list is made anew. */
const few = 32;

/** The servers after a small change, made from those before; undefined if all are to be made anew. */
function after(
  before: Servers,
  instances: readonly Instance[],
  settings: ServerSettings,
): Servers | undefined {
  const compare = comparison(settings);
  if (!before.isPlain || !compare) return undefined;
  const { gone: left, added } = differenceOf(before.instances, instances);
  if (added.length > few) return undefined;
  const gone = new Set(left.map((instance) => settings.made?.get(instance)?.server));
  const servers = before.servers.filter((server) => !gone.delete(server));
  const names = new Set(added.map(serverName));
  // An instance that is there twice, and one whose server was made anew or goes by a taken name.
  if (gone.size > 0 || servers.length + added.length !== instances.length) return undefined;
  if (names.size < added.length || servers.some(({ name }) => names.has(name))) return undefined;
  for (const instance of added) {
    const server = plainServerOf(instance, settings);
    if (!server) return undefined;
    const place = placeIn(servers, (other) => compare(other, server) < 0);
    servers.splice(place, 0, server);
  }
  return { instances, servers, refusals: [], unresolved: [], isPlain: true };
}

/** An instance's server, if it has its own plain name and address and nothing is refused. */
function plainServerOf(instance: Instance, settings: ServerSettings): Server | undefined {
  const name = serverName(instance);
  if (socketOf(instance) !== undefined) return undefined;
  if (settings.resolve(instance.host, name) !== instance.host) return undefined;
  const { server, refused } = madeOf(instance, { name, host: instance.host }, settings);
  return refused.length > 0 ? undefined : server;
}

type Compare = (a: Server, b: Server) => number;

/** What orders the servers of a backend; undefined where they stay as announced. */
function comparison({ top, service }: ServerSettings): Compare | undefined {
  const byName: Compare = (a, b) => (a.name < b.name ? -1 : 1);
  switch (service.backend_order) {
    case 'no_shuffle':
      return undefined;
    case 'asc':
      return byName;
    case 'desc':
      return (a, b) => byName(b, a);
    case 'shuffle': {
      // It depends on the seed and each name alone: a new server moves no other.
      const seed = String(top.server_order_seed ?? hostname());
      return (a, b) => rankOf(a, seed) - rankOf(b, seed) || byName(a, b);
    }
  }
}

function inOrder(servers: readonly Server[], settings: ServerSettings): readonly Server[] {
  const compare = comparison(settings);
  return compare ? servers.toSorted(compare) : servers;
}

function rankOf(server: Server, seed: string): number {
  const before = ranks.get(server);
  if (before?.seed === seed) return before.rank;
  const rank = hash32(`${seed} ${server.name}`);
  ranks.set(server, { seed, rank });
  return rank;
}

const ranks = new WeakMap<Server, { readonly seed: string; readonly rank: number }>();

/**
 * The instances, each once and in their order, with names. Two whose names would be equal are told
 * apart by a hash of one's key, whatever the order.
 */
function uniqueNames(instances: readonly Instance[]) {
  const plain = instances.map((instance) => ({ instance, name: serverName(instance) }));
  if (new Set(plain.map(({ name }) => name)).size === plain.length) return plain;
  const byKey = new Map(instances.map((instance) => [keyOf(instance), instance]));
  const names = new Map<string, string>();
  const taken = new Set<string>();
  for (const key of [...byKey.keys()].sort()) {
    const instance = byKey.get(key);
    if (!instance) continue;
    const plain = serverName(instance);
    const name = taken.has(plain) ? `${plain}.${sha1(key).slice(0, 12)}` : plain;
    taken.add(name);
    names.set(key, name);
  }
  return [...byKey].map(([key, instance]) => ({ instance, name: names.get(key) ?? '' }));
}

/** Unlike the name, never equal for two different instances. */
const keyOf = ({ name, host, port }: Instance) => JSON.stringify([name, host, port]);
