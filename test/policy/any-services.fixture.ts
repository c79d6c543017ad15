import fc from 'fast-check';

import { policyInForce } from '../../packages/haproxy/src/policy/any-policy.fixture.ts';
import { localitySchema, type MergedPolicy } from '../../packages/policy/src/index.ts';
import type { Service } from '../../packages/proxy/src/service.ts';

const members = ['v1', 'v2'].map((version, index) => ({
  host: '127.0.0.1',
  port: 1000 + index,
  name: version,
  labels: { version },
}));
const locality = localitySchema.parse({ from: 'labels.zone', prefer: ['a', 'b'], spill: 'down' });

/** The kinds of services that are tried, and whether they are of TCP. */
export const kinds = [
  ['of requests', false],
  ['of connections', true],
] as const;

/**
 * Services with any policies in force that lead to one another, two of them with levels of locality: many are judged by
 * one call. `ownAt` is what a service says for its proxy, with the port where it listens.
 */
export const anyServices = (
  names: readonly string[],
  isTcp: boolean,
  ownAt: (port: number) => NonNullable<Service['own']>,
  adapted: (policy: MergedPolicy) => MergedPolicy = (policy) => policy,
): fc.Arbitrary<readonly Service[]> =>
  fc.tuple(
    ...names.map((name, index): fc.Arbitrary<Service> => {
      const protocol = isTcp ? 'tcp' : (['http', 'http2', 'grpc'] as const)[index % 3];
      return policyInForce(protocol ?? 'http', name, isTcp ? [] : names).map((policy) => ({
        name,
        instances: members,
        defaults: [],
        own: ownAt(3000 + index),
        ...(protocol && { protocol }),
        policy: adapted(policy),
        ...(index % 4 === 1 && { locality }),
        origin: name,
      }));
    }),
  );
