import { isIP } from 'node:net';
import { z } from 'zod';

import { isHost } from '../instance/instance.ts';

/** An EndpointSlice, with what is used of it. */
export interface Slice {
  readonly namespace: string;
  readonly name: string;
  /** The service that it belongs to; undefined for one of none. */
  readonly service: string | undefined;
  readonly resourceVersion: string;
  readonly addressType: string;
  readonly ports: readonly SlicePort[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly endpoints: readonly Endpoint[];
}

export interface SlicePort {
  readonly name: string;
  /** Undefined for every port. */
  readonly port: number | undefined;
  readonly protocol: string;
}

export interface Endpoint {
  /** Undefined where none of its type was given. */
  readonly address: string | undefined;
  readonly isReady: boolean;
  readonly isServing: boolean;
  readonly isTerminating: boolean;
  /** The pod's name, or that of whatever else it is. */
  readonly target: string | undefined;
  readonly hostname: string | undefined;
  readonly node: string | undefined;
  readonly zone: string | undefined;
  /** The zones whose clients should use it. */
  readonly hintZones: readonly string[];
}

export const apiVersion = 'discovery.k8s.io/v1';
export const serviceLabel = 'kubernetes.io/service-name';

/** The API's own bounds. */
const most = { endpoints: 1000, ports: 20_000 };
/** Longer than any that Kubernetes allows. */
const text = z.string().max(4096).nullish();
const flag = z.boolean().nullish();
const list = <S extends z.ZodType>(schema: S, max: number) => z.array(schema).max(max).nullish();

const metadata = z.object({
  name: z.string().min(1).max(253),
  namespace: z.string().min(1).max(63),
  resourceVersion: z.string().min(1).max(64),
  labels: z.record(z.string(), z.string()).nullish(),
  annotations: z.record(z.string(), z.string()).nullish(),
});

const endpoint = z.object({
  addresses: list(z.string(), 100),
  conditions: z.object({ ready: flag, serving: flag, terminating: flag }).nullish(),
  hostname: text,
  nodeName: text,
  zone: text,
  hints: z.object({ forZones: list(z.object({ name: z.string().max(253) }), 64) }).nullish(),
  targetRef: z.object({ name: text }).nullish(),
});

const schema = z.object({
  metadata,
  addressType: z.string().max(64),
  ports: list(
    z.object({ name: text, port: z.int().min(1).max(65_535).nullish(), protocol: text }),
    most.ports,
  ),
  endpoints: list(endpoint, most.endpoints),
});

/** What `kubectl apply` keeps there is a copy of the whole. */
const applied = 'kubectl.kubernetes.io/last-applied-configuration';

/** Reads an object that should be an EndpointSlice; throws with what it is not. Items of a list need not say what they are. */
export function readSlice(object: unknown, isItem = false): Slice {
  const { kind, apiVersion: version } = (object ?? {}) as Record<string, unknown>;
  const isTold = !isItem || kind !== undefined;
  if (isTold && (kind !== 'EndpointSlice' || version !== apiVersion))
    throw new Error(`expected an EndpointSlice of ${apiVersion}, got ${shownKind(object)}`);
  const read = schema.safeParse(object);
  if (!read.success) {
    const [issue] = read.error.issues;
    throw new Error(`not an EndpointSlice: ${issue?.path.join('.')}: ${issue?.message}`);
  }
  const { metadata: about, addressType, ports, endpoints } = read.data;
  const { [applied]: _, ...annotations } = about.annotations ?? {};
  const labels = about.labels ?? {};
  return {
    namespace: about.namespace,
    name: about.name,
    service: labels[serviceLabel] || undefined,
    resourceVersion: about.resourceVersion,
    addressType,
    labels,
    annotations,
    ports: (ports ?? []).map(({ name, port, protocol }) => ({
      name: name ?? '',
      port: port ?? undefined,
      protocol: protocol ?? 'TCP',
    })),
    endpoints: (endpoints ?? []).map((each) => endpointOf(each, addressType)),
  };
}

/** What an object says to be, for messages. */
export function shownKind(object: unknown): string {
  const { kind, apiVersion: version } = (object ?? {}) as Record<string, unknown>;
  const of = (value: unknown) => (typeof value === 'string' ? value.slice(0, 60) : 'nothing');
  return kind === undefined ? 'an object of no kind' : `${of(kind)} of ${of(version)}`;
}

function endpointOf(
  { addresses, conditions, targetRef, hints, ...more }: z.output<typeof endpoint>,
  addressType: string,
): Endpoint {
  const { ready, serving, terminating } = conditions ?? {};
  // Addresses of one endpoint are as good as each other. What is not said counts as ready, as the API has it.
  const [first] = addresses ?? [];
  const isReady = ready ?? true;
  return {
    address: first !== undefined && isAddress(first, addressType) ? first : undefined,
    isReady,
    isServing: serving ?? isReady,
    isTerminating: terminating ?? false,
    target: targetRef?.name || undefined,
    hostname: more.hostname || undefined,
    node: more.nodeName || undefined,
    zone: more.zone || undefined,
    hintZones: (hints?.forZones ?? []).map(({ name }) => name),
  };
}

function isAddress(address: string, type: string): boolean {
  if (type === 'FQDN') return isIP(address) === 0 && isHost(address);
  return isHost(address) && isIP(address) === { IPv4: 4, IPv6: 6 }[type];
}
