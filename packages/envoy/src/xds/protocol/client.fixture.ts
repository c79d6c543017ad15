import { type Resource, type ResourceType, resourceTypes, typeUrls } from '../resource.ts';
import type { Protocol, Request } from './request.ts';
import type { Response } from './response.ts';

/** What a client makes of a resource: undefined, or why it refuses it. */
export type Judge = (resource: Pick<Resource, 'type' | 'name' | 'version'>) => string | undefined;

/** A client that speaks the protocol as the specification has it, without any transport. */
export interface Client {
  readonly protocol: Protocol;
  /** What it has: versions by name. */
  readonly has: Readonly<Record<ResourceType, Map<string, string>>>;
  readonly names: Readonly<Record<ResourceType, Set<string>>>;
  readonly wildcard: Set<ResourceType>;
  /** Asks for everything of a type, without a name. */
  askAll(type: ResourceType): Request;
  subscribe(type: ResourceType, names: readonly string[]): Request;
  unsubscribe(type: ResourceType, names: readonly string[]): Request;
  /** Takes a response, all or as much as is good, and answers it. */
  take(response: Response, judge?: Judge): Request;
  /** A request that asks for nothing else than before. */
  ack(type: ResourceType): Request;
  /** Whether it never asked for this type on this stream. */
  isNew(type: ResourceType): boolean;
  /** What it asks on a new stream, with what it has. */
  reconnect(): readonly Request[];
}

export interface ClientOptions {
  readonly protocol: Protocol;
  /** Whether it keeps what is good of a response that it refuses. */
  readonly isPartial?: boolean;
  readonly reason?: (bad: readonly (readonly [name: string, reason: string])[]) => string;
}

const byName = (bad: readonly (readonly [string, string])[]) =>
  bad.map(([name, reason]) => `${name}: ${reason}`).join(', ');

export function createClient({
  protocol,
  isPartial = false,
  reason = byName,
}: ClientOptions): Client {
  const of = <T>(make: () => T) =>
    Object.fromEntries(resourceTypes.map((type) => [type, make()])) as Record<ResourceType, T>;
  const has = of(() => new Map<string, string>());
  const names = of(() => new Set<string>());
  const wildcard = new Set<ResourceType>();
  let nonces = new Map<ResourceType, string>();

  const asked = new Set<ResourceType>();
  const explicit = new Set<ResourceType>();
  function base(type: ResourceType) {
    asked.add(type);
    return { type, typeUrl: typeUrls[type] };
  }
  /** In state of the world everything is listed each time. */
  function listed(type: ResourceType, more: Partial<Request> = {}): Request {
    if (names[type].size > 0) explicit.add(type);
    const all = [...(wildcard.has(type) && explicit.has(type) ? ['*'] : []), ...names[type]];
    const nonce = nonces.get(type) ?? '';
    return { ...base(type), nonce, names: { protocol: 'sotw', all }, ...more };
  }
  const delta = (
    type: ResourceType,
    subscribe: readonly string[] = [],
    unsubscribe: readonly string[] = [],
    more: Partial<Request> = {},
  ): Request => ({
    ...base(type),
    nonce: '',
    names: { protocol: 'delta', subscribe, unsubscribe, known: {} },
    ...more,
  });

  function keep(type: ResourceType, response: Response, judge: Judge): readonly string[] {
    const bad = response.resources.filter((one) => judge(one) !== undefined);
    const isFull = protocol === 'sotw' && (type === 'cluster' || type === 'listener');
    if (bad.length > 0 && !isPartial) return bad.map(({ name }) => name);
    const listedNames = new Set(response.resources.map(({ name }) => name));
    if (isFull)
      for (const name of has[type].keys()) if (!listedNames.has(name)) has[type].delete(name);
    for (const name of response.removed) has[type].delete(name);
    for (const resource of response.resources) {
      const isAsked = wildcard.has(type) || names[type].has(resource.name);
      if (!bad.includes(resource) && isAsked) has[type].set(resource.name, resource.version);
    }
    return bad.map(({ name }) => name);
  }

  return {
    protocol,
    has,
    names,
    wildcard,
    askAll: (type) => {
      wildcard.add(type);
      return protocol === 'sotw' ? listed(type) : delta(type);
    },
    subscribe: (type, added) => {
      for (const name of added) {
        if (name === '*') explicit.add(type);
        if (name === '*') wildcard.add(type);
        else names[type].add(name);
      }
      return protocol === 'sotw' ? listed(type) : delta(type, added);
    },
    unsubscribe: (type, gone) => {
      for (const name of gone) {
        if (name === '*') wildcard.delete(type);
        names[type].delete(name);
      }
      for (const name of has[type].keys())
        if (!wildcard.has(type) && !names[type].has(name)) has[type].delete(name);
      return protocol === 'sotw' ? listed(type) : delta(type, [], gone);
    },
    take: (response, judge = () => undefined) => {
      const { type, nonce, resources } = response;
      nonces.set(type, nonce);
      const bad = keep(type, response, judge);
      const refused = bad.map((name) => {
        const resource = resources.find((one) => one.name === name);
        return [name, (resource && judge(resource)) ?? 'bad'] as const;
      });
      const more = refused.length > 0 ? { nonce, refusal: reason(refused) } : { nonce };
      return protocol === 'sotw' ? listed(type, more) : delta(type, [], [], more);
    },
    ack: (type) => (protocol === 'sotw' ? listed(type) : delta(type)),
    isNew: (type) => !asked.has(type),
    reconnect: () => {
      nonces = new Map();
      explicit.clear();
      asked.clear();
      for (const type of wildcard) if (type === 'endpoints' || type === 'route') explicit.add(type);
      return resourceTypes
        .filter((type) => wildcard.has(type) || names[type].size > 0)
        .map((type) => {
          if (protocol === 'sotw') return listed(type);
          const known = Object.fromEntries(has[type]);
          const isLegacy = wildcard.has(type) && names[type].size === 0 && !explicit.has(type);
          const all = [...(wildcard.has(type) ? ['*'] : []), ...names[type]];
          return delta(type, [], [], {
            names: { protocol, subscribe: isLegacy ? [] : all, unsubscribe: [], known },
          });
        });
    },
  };
}
