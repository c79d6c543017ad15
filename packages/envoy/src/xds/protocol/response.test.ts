import { fromBinary } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';

import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from '../../proto/envoy/service/discovery/v3/discovery_pb.ts';
import { type Resource, typeUrls } from '../resource.ts';
import { createEncoder } from './response.ts';

/** A resource that counts how often its content is read. */
function counted(name: string, content: string) {
  let reads = 0;
  const resource: Resource = {
    type: 'endpoints',
    name,
    version: content,
    audience: 'all',
    service: name,
    get value() {
      reads += 1;
      return Buffer.from(content);
    },
  };
  return { resource, reads: () => reads };
}

const typeUrl = typeUrls.endpoints;

test('a response says what changed, with its version, and what is gone', () => {
  const { resource } = counted('web', '1');
  const facts = { type: 'endpoints', nonce: '7', version: 'v', removed: ['api'] } as const;
  const bytes = createEncoder().encode('delta', { ...facts, resources: [resource] });
  expect(fromBinary(DeltaDiscoveryResponseSchema, bytes)).toMatchObject({
    typeUrl,
    nonce: '7',
    systemVersionInfo: 'v',
    removedResources: ['api'],
    resources: [{ name: 'web', version: '1', resource: { typeUrl, value: Buffer.from('1') } }],
  });
});

test('state of the world: a response has its version, and resources without their names', () => {
  const { resource } = counted('web', '1');
  const facts = { type: 'endpoints', nonce: '7', version: 'v', removed: [] } as const;
  const bytes = createEncoder().encode('sotw', { ...facts, resources: [resource] });
  expect(fromBinary(DiscoveryResponseSchema, bytes)).toMatchObject({
    typeUrl,
    nonce: '7',
    versionInfo: 'v',
    resources: [{ typeUrl, value: Buffer.from('1') }],
  });
});

test('what a thousand are sent is encoded once, whatever their nonces', () => {
  const { resource, reads } = counted('web', '1');
  const encoder = createEncoder();
  const send = (nonce: number, resources: readonly Resource[]) =>
    encoder.encode('delta', {
      type: 'endpoints',
      nonce: `${nonce}`,
      version: 'v',
      removed: [],
      resources,
    });
  send(0, [resource]);
  const once = reads();
  for (let nonce = 1; nonce < 1_000; nonce++) send(nonce, [resource]);
  expect(reads()).toBe(once);
  const other = fromBinary(DeltaDiscoveryResponseSchema, send(1, [counted('web', '2').resource]));
  expect(other.resources[0]?.version).toBe('2');
  encoder.forget();
  send(1_000, [resource]);
  expect(reads()).toBe(2 * once);
});
