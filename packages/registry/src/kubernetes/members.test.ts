import { expect, test } from 'vitest';

import { badRecordsOf } from '../instance/decoder.ts';
import { createMembers, type MemberRules } from './members.ts';
import { readSlice } from './slice.ts';

const usual: MemberRules = { isFallback: true };

function sliceOf(endpoints: readonly object[], more: object = {}, metadata: object = {}) {
  return readSlice({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: 'web-a',
      namespace: 'shop',
      resourceVersion: '7',
      ...metadata,
      labels: { 'kubernetes.io/service-name': 'web', ...(metadata as { labels?: object }).labels },
    },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
    endpoints,
    ...more,
  });
}

const pod = (n: number, conditions?: object, more: object = {}) => ({
  addresses: [`10.1.0.${n}`],
  targetRef: { kind: 'Pod', name: `web-${n}` },
  ...(conditions && { conditions }),
  ...more,
});

async function membersOf(slices: Parameters<ReturnType<typeof createMembers>>[0], rules = usual) {
  const list = await createMembers(rules)(slices);
  return {
    members: list.map(({ name = '', host, port }) => `${name} ${host}:${port}`.trim()),
    left: badRecordsOf(list).map(({ id, reason }) => `${id}: ${reason}`),
    list,
  };
}

const ready = { ready: true, serving: true, terminating: false };
const unready = { ready: false, serving: false, terminating: false };
const ending = { ready: false, serving: true, terminating: true };
const ended = { ready: false, serving: false, terminating: true };

test.each([
  [
    'ready ones alone, while there are any',
    [ready, unready, ending, ended],
    usual,
    [1],
    ['not ready', 'terminating, and serving only until it ends', 'terminating'],
  ],
  [
    'those that end and serve, where none is ready',
    [unready, ending, ended],
    usual,
    [2],
    ['not ready', 'terminating'],
  ],
  [
    'nobody, where those that end are never served',
    [unready, ending],
    { isFallback: false },
    [],
    ['not ready', 'terminating, and serving only until it ends'],
  ],
  ['those of which nothing is said', [undefined, { ready: null }, {}], usual, [1, 2, 3], []],
  [
    'a pod that is published though it is not ready',
    [{ ready: true, serving: false, terminating: true }],
    usual,
    [1],
    [],
  ],
] as const)('members are %s', async (_, conditions, rules, numbers, reasons) => {
  const slice = sliceOf(conditions.map((each, index) => pod(index + 1, each)));
  const { members, left } = await membersOf([slice], rules);
  expect(members).toEqual(numbers.map((n) => `web-${n} 10.1.0.${n}:8080`));
  expect(left.map((each) => each.replace(/^.*?: /, ''))).toEqual(reasons);
});

test.each<[string, readonly object[], MemberRules['port'], number | string]>([
  ['the only port', [{ name: '', port: 80 }], undefined, 80],
  [
    'the only TCP port',
    [
      { name: 'dns', port: 53, protocol: 'UDP' },
      { name: 'tcp', port: 54 },
    ],
    undefined,
    54,
  ],
  [
    'a named port',
    [
      { name: 'http', port: 80 },
      { name: 'admin', port: 81 },
    ],
    'admin',
    81,
  ],
  [
    'a numbered port',
    [
      { name: 'http', port: 80 },
      { name: 'admin', port: 81 },
    ],
    80,
    80,
  ],
  ['a number, of a Service without ports', [], 8080, 8080],
  [
    'none of several',
    [
      { name: 'http', port: 80 },
      { name: 'admin', port: 81 },
    ],
    undefined,
    'it has the ports http (80), admin (81): set port',
  ],
  [
    'a name that is not there',
    [{ name: 'http', port: 80 }],
    'grpc',
    'it has no port grpc, but http (80)',
  ],
  [
    'a number that is not there',
    [{ name: 'http', port: 80 }],
    81,
    'it has no port 81, but http (80)',
  ],
  ['a port of no number', [{ name: 'http' }], undefined, 'its port http has no number; set one'],
  ['UDP alone', [{ name: 'dns', port: 53, protocol: 'UDP' }], undefined, 'it has no TCP port'],
])('port: %s', async (_, ports, port, expected) => {
  const { members, left } = await membersOf([sliceOf([pod(1)], { ports })], { ...usual, port });
  if (typeof expected === 'number') expect(members).toEqual([`web-1 10.1.0.1:${expected}`]);
  else expect(left).toEqual([`web-a/web-1: ${expected}`]);
});

test('a pod in two slices is one member, as the better of them says', async () => {
  const [old, next] = [
    sliceOf([pod(1, ready), pod(2, unready)]),
    sliceOf([pod(1, unready), pod(2, ready)], {}, { name: 'web-b' }),
  ];
  expect((await membersOf([old, next])).members).toEqual([
    'web-1 10.1.0.1:8080',
    'web-2 10.1.0.2:8080',
  ]);
});

test('of a dual-stack Service each pod has one address', async () => {
  const four = sliceOf([pod(1)]);
  const six = sliceOf(
    [{ ...pod(1), addresses: ['fd00::1'] }],
    { addressType: 'IPv6' },
    { name: 'web-6' },
  );
  expect((await membersOf([four, six])).members).toEqual(['web-1 10.1.0.1:8080']);
  expect((await membersOf([four, six], { ...usual, addressType: 'IPv6' })).members).toEqual([
    'web-1 fd00::1:8080',
  ]);
  expect((await membersOf([six])).members).toEqual(['web-1 fd00::1:8080']);
});

test('names of hosts are members, where there is nothing else', async () => {
  const slice = sliceOf([{ addresses: ['db.example.com'] }], { addressType: 'FQDN' });
  expect((await membersOf([slice])).members).toEqual(['db.example.com:8080']);
});

test.each([
  ['IPv4', ['fd00::1']],
  ['IPv4', ['010.1.0.1']],
  ['IPv4', []],
  ['IPv4', ['10.1.0.1; option']],
  ['IPv6', ['10.1.0.1']],
  ['IPv6', ['fe80::1%eth0']],
  ['FQDN', ['10.1.0.1']],
  ['FQDN', ['a b']],
])(
  'an endpoint whose %s address is %j is left out, and the others are served',
  async (addressType, addresses) => {
    const good = { IPv4: '10.1.0.2', IPv6: 'fd00::2', FQDN: 'b' }[addressType] ?? '';
    const slice = sliceOf([{ ...pod(1), addresses }, { addresses: [good] }], { addressType });
    const { members, left } = await membersOf([slice]);
    expect(members).toEqual([`${good}:8080`]);
    expect(left).toEqual([`web-a/web-1: it has no ${addressType} address`]);
  },
);

const told = pod(1, ready, {
  zone: 'a',
  nodeName: 'n1',
  hostname: 'web-1',
  hints: { forZones: [{ name: 'a' }, { name: 'b' }] },
});
const labelled = sliceOf(
  [told],
  {},
  {
    labels: {
      team: 'shop',
      'app.kubernetes.io/version': 'v2',
      'endpointslice.kubernetes.io/managed-by': 'x',
    },
    annotations: { 'example.com/tier': 'gold' },
  },
);

test('labels are the zone, the node, the hints and those of the Service', async () => {
  expect((await membersOf([labelled])).list[0]?.labels).toEqual({
    zone: 'a',
    node: 'n1',
    hint_zones: 'a,b',
    team: 'shop',
    'app.kubernetes.io/version': 'v2',
  });
});

test('labels are what the rules say', async () => {
  const labels = {
    az: 'zone',
    version: 'labels.app.kubernetes.io/version',
    tier: 'annotations.example.com/tier',
    of: 'namespace',
    host: 'hostname',
    none: 'labels.none',
  };
  expect((await membersOf([labelled], { ...usual, labels })).list[0]?.labels).toEqual({
    az: 'a',
    version: 'v2',
    tier: 'gold',
    of: 'shop',
    host: 'web-1',
  });
});

test('members of a slice that did not change are the same', async () => {
  const [one, two] = [sliceOf([pod(1)]), sliceOf([pod(2)], {}, { name: 'web-b' })];
  const read = createMembers(usual);
  expect((await read([one, two]))[0]).toBe((await read([one]))[0]);
});
