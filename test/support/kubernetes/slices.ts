/** What a test says of an endpoint; the rest is as Kubernetes writes it. */
export interface TestEndpoint {
  readonly address: string;
  readonly pod?: string;
  readonly zone?: string;
  readonly node?: string;
  readonly hints?: readonly string[];
  readonly ready?: boolean | null;
  readonly serving?: boolean;
  readonly terminating?: boolean;
}

export interface TestSlice {
  readonly name?: string;
  readonly namespace?: string;
  readonly service?: string;
  readonly addressType?: string;
  readonly ports?: readonly object[];
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly endpoints?: readonly TestEndpoint[];
}

/** An EndpointSlice of the service web in the namespace shop, as its controller writes it. */
export function sliceOf({
  service = 'web',
  name = `${service}-abcde`,
  namespace = 'shop',
  addressType = 'IPv4',
  ports = [{ name: 'http', port: 8080, protocol: 'TCP' }],
  labels = {},
  annotations = {},
  endpoints = [],
}: TestSlice = {}) {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace,
      labels: {
        'kubernetes.io/service-name': service,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
        ...labels,
      },
      annotations,
    },
    addressType,
    ports,
    endpoints: endpoints.map(endpointOf),
  };
}

function endpointOf({ address, pod, zone, node, hints, ...conditions }: TestEndpoint) {
  const { ready = true, serving = ready, terminating = false } = conditions;
  return {
    addresses: [address],
    conditions: { ready, serving, terminating },
    ...(pod !== undefined && {
      targetRef: { kind: 'Pod', name: pod, namespace: 'shop', uid: `uid-${pod}` },
    }),
    ...(zone !== undefined && { zone }),
    ...(node !== undefined && { nodeName: node }),
    ...(hints && { hints: { forZones: hints.map((name) => ({ name })) } }),
  };
}
