import {
  builtIn,
  type Locality,
  localitySchema,
  mergePolicy,
  type Protocol,
  policySchema,
} from '@smartstack/policy';
import type { Service, Snapshot } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';

import { createResources, type ResourcesOptions } from './resources.ts';

/** A service as it is written in a test. */
export interface Written {
  readonly members?: readonly Instance[] | undefined;
  readonly defaults?: readonly Instance[];
  readonly protocol?: Protocol;
  readonly policy?: unknown;
  readonly locality?: unknown;
  readonly port?: number;
}

/** A snapshot of services by name. */
export const snapshotOf = (services: Readonly<Record<string, Written>>): Snapshot =>
  new Map(Object.entries(services).map(([name, written]) => [name, serviceOf(name, written)]));

export function serviceOf(name: string, written: Written): Service {
  const { members, defaults = [], protocol = 'http', policy, locality, port } = written;
  const near: Locality | undefined =
    locality === undefined ? undefined : localitySchema.parse(locality);
  return {
    name,
    instances: members,
    defaults,
    protocol,
    policy: mergePolicy([
      { origin: 'built-in', policy: builtIn(protocol) },
      { origin: 'service', policy: policySchema.parse(policy ?? {}) },
    ]),
    ...(near && { locality: near }),
    own: { envoy: { port } },
    origin: name,
  };
}

/** How services of a test are served: where they have a port, at 127.0.0.1. */
export const options: ResourcesOptions = {
  serves: ({ own }) => own?.envoy !== undefined,
  listensAt: ({ own }) => {
    const { port } = (own?.envoy ?? {}) as { readonly port?: number };
    return port === undefined ? undefined : { address: '127.0.0.1', port };
  },
  resolve: () => undefined,
  target: {},
};

export const resourcesOf = (services: Readonly<Record<string, Written>>) =>
  createResources(options)(snapshotOf(services));
