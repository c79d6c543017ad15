import { create, toBinary } from '@bufbuild/protobuf';

import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from '../../proto/envoy/service/discovery/v3/discovery_pb.ts';
import { type Resource, type ResourceType, typeUrls } from '../resource.ts';
import type { Protocol } from './request.ts';

/** What one response says. */
export interface Response {
  readonly type: ResourceType;
  readonly nonce: string;
  readonly version: string;
  readonly resources: readonly Resource[];
  /** Names that are no longer served, or are not; empty in state of the world. */
  readonly removed: readonly string[];
}

/** Encodes responses; what many clients are sent is encoded once. */
export interface Encoder {
  encode(protocol: Protocol, response: Response): Buffer;
  /** Gives up what was kept, as other content is served from now on. */
  forget(): void;
}

/** So many bytes of encoded lists are kept for the next client. */
const most = 16 * 1024 * 1024;

export function createEncoder(): Encoder {
  const bodies = new Map<string, Uint8Array>();
  let size = 0;

  function forget(): void {
    bodies.clear();
    size = 0;
  }

  function bodyOf(protocol: Protocol, { type, resources }: Response): Uint8Array {
    const key = [protocol, type, ...resources.flatMap((one) => [one.name, one.version])].join('\0');
    const kept = bodies.get(key);
    if (kept) return kept;
    const body = encodeBody(protocol, resources);
    size += body.length + key.length;
    if (size > most) forget();
    else bodies.set(key, body);
    return body;
  }

  return {
    encode: (protocol, response) =>
      Buffer.concat([encodeHead(protocol, response), bodyOf(protocol, response)]),
    forget,
  };
}

/** All but the resources. Two encoded messages in a row are one message that has the fields of both. */
function encodeHead(protocol: Protocol, { type, nonce, version, removed }: Response): Uint8Array {
  const common = { typeUrl: typeUrls[type], nonce };
  return protocol === 'sotw'
    ? toBinary(
        DiscoveryResponseSchema,
        create(DiscoveryResponseSchema, { ...common, versionInfo: version }),
      )
    : toBinary(
        DeltaDiscoveryResponseSchema,
        create(DeltaDiscoveryResponseSchema, {
          ...common,
          systemVersionInfo: version,
          removedResources: [...removed],
        }),
      );
}

function encodeBody(protocol: Protocol, resources: readonly Resource[]): Uint8Array {
  if (protocol === 'sotw')
    return toBinary(
      DiscoveryResponseSchema,
      create(DiscoveryResponseSchema, { resources: resources.map(anyOf) }),
    );
  const named = resources.map((one) => ({
    name: one.name,
    version: one.version,
    resource: anyOf(one),
  }));
  return toBinary(
    DeltaDiscoveryResponseSchema,
    create(DeltaDiscoveryResponseSchema, { resources: named }),
  );
}

const anyOf = ({ type, value }: Resource) => ({
  $typeName: 'google.protobuf.Any' as const,
  typeUrl: typeUrls[type],
  value,
});
