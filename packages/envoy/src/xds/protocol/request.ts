import { fromBinary } from '@bufbuild/protobuf';
import type { Node } from '../../proto/envoy/config/core/v3/base_pb.ts';
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from '../../proto/envoy/service/discovery/v3/discovery_pb.ts';
import { type ResourceType, resourceTypes, typeUrls } from '../resource.ts';

/** The two protocols: all of a type in each response (state of the world), or what changed. */
export type Protocol = 'sotw' | 'delta';

/** What a client asks for of one type. */
export type Names =
  | { readonly protocol: 'sotw'; readonly all: readonly string[] }
  | {
      readonly protocol: 'delta';
      readonly subscribe: readonly string[];
      readonly unsubscribe: readonly string[];
      /** What it has from an earlier stream: versions by name. */
      readonly known: Readonly<Record<string, string>>;
    };

/** One request of either protocol. */
export interface Request {
  readonly typeUrl: string;
  /** Undefined for a type that is not served. */
  readonly type: ResourceType | undefined;
  /** The response that it answers; empty where it answers none. */
  readonly nonce: string;
  /** Why that response was refused. */
  readonly refusal?: string;
  readonly names: Names;
  readonly client?: Client;
}

/** Who a client says that it is. */
export interface Client {
  readonly id: string;
  readonly userAgent: string;
}

const types = new Map(resourceTypes.map((type) => [typeUrls[type], type]));

/** Reads a request; throws where the bytes are none. */
export function readRequest(protocol: Protocol, bytes: Uint8Array): Request {
  if (protocol === 'sotw') {
    const request = fromBinary(DiscoveryRequestSchema, bytes);
    return { ...common(request), names: { protocol, all: request.resourceNames } };
  }
  const request = fromBinary(DeltaDiscoveryRequestSchema, bytes);
  return {
    ...common(request),
    names: {
      protocol,
      subscribe: request.resourceNamesSubscribe,
      unsubscribe: request.resourceNamesUnsubscribe,
      known: request.initialResourceVersions,
    },
  };
}

function common(request: {
  readonly typeUrl: string;
  readonly responseNonce: string;
  readonly errorDetail?: { readonly message: string } | undefined;
  readonly node?: Node | undefined;
}) {
  const { typeUrl, responseNonce, errorDetail, node } = request;
  return {
    typeUrl,
    type: types.get(typeUrl),
    nonce: responseNonce,
    ...(errorDetail && { refusal: errorDetail.message }),
    ...(node && { client: clientOf(node) }),
  };
}

function clientOf(node: Node): Client {
  const version = node.userAgentVersionType.value;
  const userAgent = version === undefined ? node.userAgentName : `${node.userAgentName} ${version}`;
  return { id: shown(node.id), userAgent: shown(userAgent) };
}

const shown = (text: string) => text.trim().slice(0, 200);
