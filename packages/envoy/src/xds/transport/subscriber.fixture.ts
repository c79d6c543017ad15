import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { credentials, Client as GrpcClient, type ServiceError } from '@grpc/grpc-js';

import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '../../proto/envoy/service/discovery/v3/discovery_pb.ts';
import { type Client, createClient, type Judge } from '../protocol/client.fixture.ts';
import type { Protocol, Request } from '../protocol/request.ts';
import type { Response } from '../protocol/response.ts';
import { type Resource, type ResourceType, resourceTypes, typeUrls } from '../resource.ts';

/** A subscriber over gRPC: it answers each response at once, and keeps what it was sent. */
export interface Subscriber extends AsyncDisposable {
  readonly client: Client;
  /** Each response that came, in order. */
  readonly responses: readonly Response[];
  /** Bytes of each. */
  readonly sizes: readonly number[];
  /** What ended the stream, once it has. */
  readonly ended: Promise<ServiceError | undefined>;
  send(request: Request): void;
  raw(bytes: Buffer): void;
  /** From now on responses are kept unanswered, or not even read. */
  hold(how: 'unanswered' | 'unread'): void;
  /** Stops holding: answers what came meanwhile. */
  go(): void;
}

export interface SubscriberOptions {
  readonly target: string;
  readonly protocol: Protocol;
  readonly client?: Client;
  readonly judge?: Judge;
  readonly node?: string;
}

const methods = { sotw: 'StreamAggregatedResources', delta: 'DeltaAggregatedResources' };
const asIs = (bytes: Buffer) => bytes;

export function subscribe({
  target,
  protocol,
  client = createClient({ protocol }),
  judge,
  node = 'test',
}: SubscriberOptions): Subscriber {
  const grpc = new GrpcClient(target, credentials.createInsecure(), {
    'grpc.use_local_subchannel_pool': 1,
  });
  const path = `/envoy.service.discovery.v3.AggregatedDiscoveryService/${methods[protocol]}`;
  const call = grpc.makeBidiStreamRequest(path, asIs, asIs);
  const responses: Response[] = [];
  const sizes: number[] = [];
  let held: Response[] | undefined;
  let isFirst = true;

  const send = (request: Request) => {
    call.write(encode(request, isFirst ? node : undefined));
    isFirst = false;
  };
  call.on('data', (bytes: Buffer) => {
    const response = decode(protocol, bytes);
    responses.push(response);
    sizes.push(bytes.length);
    if (held) held.push(response);
    else send(client.take(response, judge));
  });
  const ended = new Promise<ServiceError | undefined>((resolve) => {
    call.on('error', resolve);
    call.on('status', ({ code }) => {
      if (code === 0) resolve(undefined);
    });
  });

  return {
    client,
    responses,
    sizes,
    ended,
    send,
    raw: (bytes) => {
      call.write(bytes);
    },
    hold: (how) => {
      held = [];
      if (how === 'unread') call.pause();
    },
    go: () => {
      const waiting = held ?? [];
      held = undefined;
      for (const response of waiting) send(client.take(response, judge));
      call.resume();
    },
    [Symbol.asyncDispose]: async () => {
      call.cancel();
      grpc.close();
      await ended;
    },
  };
}

function encode(request: Request, node: string | undefined): Buffer {
  const { typeUrl, nonce, names, refusal } = request;
  const common = {
    typeUrl,
    responseNonce: nonce,
    ...(refusal !== undefined && { errorDetail: { code: 13, message: refusal } }),
    ...(node !== undefined && {
      node: {
        id: node,
        userAgentName: 'raw',
        userAgentVersionType: { case: 'userAgentVersion' as const, value: '1' },
      },
    }),
  };
  if (names.protocol === 'sotw')
    return Buffer.from(
      toBinary(
        DiscoveryRequestSchema,
        create(DiscoveryRequestSchema, { ...common, resourceNames: [...names.all] }),
      ),
    );
  return Buffer.from(
    toBinary(
      DeltaDiscoveryRequestSchema,
      create(DeltaDiscoveryRequestSchema, {
        ...common,
        resourceNamesSubscribe: [...names.subscribe],
        resourceNamesUnsubscribe: [...names.unsubscribe],
        initialResourceVersions: { ...names.known },
      }),
    ),
  );
}

const types = new Map<string, ResourceType>(resourceTypes.map((type) => [typeUrls[type], type]));

function decode(protocol: Protocol, bytes: Buffer): Response {
  if (protocol === 'sotw') {
    const message = fromBinary(DiscoveryResponseSchema, bytes);
    const type = typeOf(message.typeUrl);
    return {
      type,
      nonce: message.nonce,
      version: message.versionInfo,
      removed: [],
      resources: message.resources.map(({ value }) => resourceOf(type, value)),
    };
  }
  const message = fromBinary(DeltaDiscoveryResponseSchema, bytes);
  const type = typeOf(message.typeUrl);
  return {
    type,
    nonce: message.nonce,
    version: message.systemVersionInfo,
    removed: message.removedResources,
    resources: message.resources.map(({ name, version, resource }) => ({
      ...resourceOf(type, resource?.value ?? new Uint8Array()),
      name,
      version,
    })),
  };
}

function typeOf(url: string): ResourceType {
  const type = types.get(url);
  if (!type) throw new Error(`a response of the unknown type ${url}`);
  return type;
}

/** The fixture's resources are `name=content`; state of the world does not say their versions. */
function resourceOf(type: ResourceType, value: Uint8Array): Resource {
  const [name = '', content = ''] = Buffer.from(value).toString().split('=');
  return { type, name, value, version: content, audience: 'all', service: name };
}
