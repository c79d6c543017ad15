/** What an API server says of itself, as far as it has anything but EndpointSlices. */
const documents: Readonly<Record<string, unknown>> = {
  '/version': {
    major: '1',
    minor: '32',
    gitVersion: 'v1.32.4',
    gitCommit: '0000000000000000000000000000000000000000',
    gitTreeState: 'clean',
    buildDate: '2025-04-22T16:02:58Z',
    goVersion: 'go1.23.6',
    compiler: 'gc',
    platform: 'linux/amd64',
  },
  '/api': { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [] },
  '/api/v1': {
    kind: 'APIResourceList',
    groupVersion: 'v1',
    resources: [
      {
        name: 'namespaces',
        singularName: 'namespace',
        namespaced: false,
        kind: 'Namespace',
        verbs: ['get'],
      },
    ],
  },
  '/apis': { kind: 'APIGroupList', apiVersion: 'v1', groups: [group()] },
  '/apis/discovery.k8s.io': { kind: 'APIGroup', apiVersion: 'v1', ...group() },
  '/apis/discovery.k8s.io/v1': {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: 'discovery.k8s.io/v1',
    resources: [
      {
        name: 'endpointslices',
        singularName: 'endpointslice',
        namespaced: true,
        kind: 'EndpointSlice',
        verbs: ['create', 'delete', 'get', 'list', 'patch', 'update', 'watch'],
        storageVersionHash: 'Nx3SIv6I0mE=',
      },
    ],
  },
  '/openapi/v3': { paths: {} },
};

/** The answer to a request that is not about EndpointSlices; every namespace is there. */
export function documentAt(path: string): unknown {
  const [, name] = /^\/api\/v1\/namespaces\/([^/]+)$/.exec(path) ?? [];
  return name === undefined
    ? documents[path]
    : { kind: 'Namespace', apiVersion: 'v1', metadata: { name } };
}

function group() {
  const version = { groupVersion: 'discovery.k8s.io/v1', version: 'v1' };
  return { name: 'discovery.k8s.io', versions: [version], preferredVersion: version };
}

export interface StatusOptions {
  readonly code: number;
  readonly reason: string;
  readonly message: string;
}

export function statusOf({ code, reason, message }: StatusOptions) {
  return {
    kind: 'Status',
    apiVersion: 'v1',
    metadata: {},
    status: code < 400 ? 'Success' : 'Failure',
    message,
    reason,
    details: {
      group: 'discovery.k8s.io',
      kind: 'endpointslices',
      name: /"([^"]*)"/.exec(message)?.[1],
      ...(reason === 'Invalid' && { causes: [causeOf(message)] }),
    },
    code,
  };
}

/** Which field is wrong, and how: what kubectl shows. */
function causeOf(message: string) {
  const [field, ...rest] = message.split(': ');
  return { reason: 'FieldValueInvalid', message: rest.join(': '), field };
}

/** The answer to a request that is refused. */
export class Refused extends Error {
  readonly status: StatusOptions;
  constructor(code: number, reason: string, message: string) {
    super(message);
    this.status = { code, reason, message };
  }
}

export const tooOld = (version: number, oldest: number) =>
  new Refused(410, 'Expired', `too old resource version: ${version} (${oldest})`);
