import type { RequestListener } from 'node:http';

import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  json,
  startServer,
  type TestServer,
} from '../../packages/registry/src/http/server.fixture.ts';
import { startDns, type TestDns } from '../../packages/synapse/src/discovery/dns/server.fixture.ts';
import type { Explanation } from '../../packages/synapse/src/operator/explain.ts';
import { explanationText } from '../../packages/synapse/src/operator/shown.ts';
import { startScene } from './synapse.ts';

vi.setConfig({ testTimeout: 60_000 });

/** A source that a test can make good, with this host as its member, or hostile; and its discovery. */
interface Source {
  readonly discovery: { readonly method: string };
  good(host: string): void;
  bad(how: string): void;
  /** How often it was asked. */
  asked(): number;
}

let web: TestServer;
let names: TestDns;
beforeEach(async () => {
  const [server, nameServer] = [await startServer(json({})), await startDns({})];
  [web, names] = [server, nameServer];
  vi.stubEnv('AWS_ENDPOINT_URL_EC2', server.url);
  vi.stubEnv('AWS_MAX_ATTEMPTS', '1');
  // After synapse, which comes later and ends before.
  onTestFinished(async () => {
    vi.unstubAllEnvs();
    await server[Symbol.asyncDispose]();
    await nameServer[Symbol.asyncDispose]();
  });
});

/** What a hostile server does with a request. */
const hostile: Readonly<Record<string, RequestListener>> = {
  'answers 500': (_, response) => response.writeHead(500).end('oops'),
  'answers nonsense': (_, response) => response.end('\u0000<<{"'),
  'answers another JSON': json({ tasks: { 0: 1 }, Reservations: 'x' }),
  'closes the connection': (request) => request.socket.destroy(),
  'closes in the middle': (_, response) => {
    response.writeHead(200, { 'content-length': '1000' });
    response.write('{"tasks": [', () => response.destroy());
  },
};
const overHttp = {
  asked: () => web.asked.filter((path) => !path.startsWith('/events')).length,
  bad: (how: string) => {
    const answer = hostile[how];
    if (answer) web.answer = answer;
  },
};
/** What a hostile name server answers; its names point at themselves, for one. */
const hostileNames: Readonly<Record<string, (query: Buffer) => Buffer | undefined>> = {
  'answers nonsense': () => Buffer.from('<html>'),
  'answers a name that points at itself': (query) => {
    const end = query.indexOf(0, 12) + 5;
    const head = Buffer.from(query.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2);
    head.writeUInt16BE(0xffff, 6);
    const loop = Buffer.from([0xc0, end, 0xc0, end, 0xff, 0xff]);
    return Buffer.concat([head, query.subarray(12, end), loop]);
  },
  'never answers': () => undefined,
};
const overDns = {
  asked: () => names.asked.length,
  bad: (how: string) => {
    if (how === 'refuses') names.refuse = true;
    else names.instead = hostileNames[how];
  },
};
const interval = { check_interval: 0.02 };

const sources: Readonly<Record<string, () => Source>> = {
  marathon: () => ({
    ...overHttp,
    discovery: {
      method: 'marathon',
      marathon_api_url: web.url,
      application_name: 'web',
      ...interval,
    },
    good: (host) => {
      web.answer = json({ tasks: [{ host, ports: [80], startedAt: 'x' }] });
    },
  }),
  docker: () => ({
    ...overHttp,
    discovery: {
      method: 'docker',
      servers: [{ host: '127.0.0.1', port: web.port }],
      image_name: 'web',
      container_port: 80,
      ...interval,
    },
    // Members are at the engine: which one it is, its port says.
    good: (host) => {
      const port = Number(host.split('.')[3]);
      web.answer = json([{ Image: 'web', Ports: [{ PrivatePort: 80, PublicPort: port }] }]);
    },
  }),
  ec2tag: () => ({
    ...overHttp,
    discovery: {
      method: 'ec2tag',
      tag_name: 'role',
      tag_value: 'web',
      aws_region: 'eu-west-1',
      aws_access_key_id: 'key',
      aws_secret_access_key: 'secret',
      ...interval,
    },
    good: (host) => {
      web.answer = (_, response) =>
        response
          .setHeader('content-type', 'text/xml')
          .end(
            `<DescribeInstancesResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><reservationSet><item><instancesSet><item><privateIpAddress>${host}</privateIpAddress></item></instancesSet></item></reservationSet></DescribeInstancesResponse>`,
          );
    },
  }),
  dns: () => ({
    discovery: {
      method: 'dns',
      servers: [{ host: 'web.test' }],
      nameserver: names.address,
      ...interval,
    },
    good: (address) => {
      names.refuse = false;
      names.instead = undefined;
      names.records = { 'web.test': [{ type: 'A', address, ttl: 1 }] };
    },
    ...overDns,
  }),
  'dns SRV': () => ({
    discovery: {
      method: 'dns',
      servers: [{ host: '_web._tcp.test' }],
      nameserver: names.address,
      ...interval,
    },
    good: (address) => {
      names.refuse = false;
      names.instead = undefined;
      names.records = {
        '_web._tcp.test': [
          { type: 'SRV', target: 'web.test', port: 81, priority: 1, weight: 1, ttl: 1 },
        ],
        'web.test': [{ type: 'A', address, ttl: 1 }],
      };
    },
    ...overDns,
  }),
};

/** A service's name (SRV) takes nonsense for another's answer, and waits on as where there is none. */
const faultsOf = (method: string) => {
  if (!method.startsWith('dns')) return Object.keys(hostile);
  const names = ['refuses', ...Object.keys(hostileNames)];
  return method === 'dns' ? names : names.filter((how) => how !== 'answers nonsense');
};
const faults = Object.keys(sources).flatMap((method) =>
  faultsOf(method).map((how) => [method, how] as const),
);
/** How often it is asked again before its neighbour is looked at: a name server is waited for for seconds. */
const triesOf = (method: string) => (method.startsWith('dns') ? 1 : 3);
// A name server that does not answer is given up after some seconds.
const soon = { timeout: 20_000, interval: 10 };

describe.each(faults)('a %s discovery whose source %s', (method, how) => {
  test('from the start is asked on, said once and shown; its neighbour goes on', async () => {
    const source = (sources[method] as () => Source)();
    source.bad(how);
    const scene = await startScene({ discovery: source.discovery });
    await vi.waitFor(() => expect(scene.status().services.broken.trouble).toMatch(/./), soon);
    await vi.waitFor(() => expect(source.asked()).toBeGreaterThan(triesOf(method)), soon);
    await neighbourGoesOn(scene);
    expect(scene.reconciler.snapshot().get('broken')?.instances).toBeUndefined();
    expect(scene.lines.filter(({ service, level }) => service === 'broken' && level > 30)).toEqual([
      expect.objectContaining({ reason: scene.status().services.broken.trouble }),
    ]);
    source.good('10.0.0.7');
    await vi.waitFor(() => expect(scene.hosts('broken')).toHaveLength(1), soon);
    await vi.waitFor(() => expect(scene.status().services.broken.trouble).toBeNull(), soon);
  });

  test('later keeps what was known, is asked on, said once and shown; its neighbour goes on', async () => {
    const source = (sources[method] as () => Source)();
    source.good('10.0.0.7');
    const scene = await startScene({ discovery: source.discovery });
    await vi.waitFor(() => expect(scene.hosts('broken')).toHaveLength(1), soon);
    const known = scene.status().services.broken.members;
    source.bad(how);
    await vi.waitFor(() => expect(scene.status().services.broken.trouble).toMatch(/./), soon);
    const asked = source.asked();
    await vi.waitFor(
      () => expect(source.asked()).toBeGreaterThan(asked + triesOf(method) - 1),
      soon,
    );
    await neighbourGoesOn(scene);
    expect(scene.status().services.broken.members).toEqual(known);
    expect(scene.explained()?.troubles).toHaveLength(1);
    expect(
      scene.lines.filter(({ service, level }) => service === 'broken' && level > 30),
    ).toHaveLength(1);
    source.good('10.0.0.8');
    await vi.waitFor(() => expect(scene.status().services.broken.members).not.toEqual(known), soon);
    expect(scene.explained()?.troubles).toEqual([]);
  });
});

test.each(['marathon', 'docker', 'ec2tag'])(
  'a %s discovery whose source never answers holds up neither its neighbour nor the end',
  async (method) => {
    const source = (sources[method] as () => Source)();
    web.answer = () => {};
    const scene = await startScene({ discovery: source.discovery });
    await vi.waitFor(() => expect(source.asked()).toBeGreaterThan(0), soon);
    await neighbourGoesOn(scene);
    await scene.stop();
  },
);

test('a watcher of a multi that fails is named in explain and status, and the others go on', async () => {
  web.answer = json({ tasks: 'none' });
  const other = await startServer(json([{ Image: 'web', Ports: [] }]));
  const blue = (sources.marathon as () => Source)();
  const scene = await startScene({
    discovery: {
      method: 'multi',
      watchers: {
        blue: blue.discovery,
        green: {
          method: 'docker',
          servers: [{ host: '127.0.0.1', port: other.port }],
          image_name: 'web',
          container_port: 80,
          ...interval,
        },
        grey: { method: 'base' },
      },
      resolver: { method: 'sequential', sequential_order: ['green', 'blue', 'grey'] },
    } as { readonly method: string },
  });
  const port = 8080;
  other.answer = json([{ Image: 'web', Ports: [{ PrivatePort: 80, PublicPort: port }] }]);
  await vi.waitFor(() => expect(scene.hosts('broken')).toEqual(['127.0.0.1']), soon);
  await vi.waitFor(
    () => expect(scene.explained()?.troubles.map(({ part }) => part)).toEqual(['watcher blue']),
    soon,
  );
  expect(scene.status().services.broken.trouble).toMatch(/^watcher blue: .*not what Marathon/);
  other.answer = hostile['answers 500'] as RequestListener;
  await vi.waitFor(() => expect(scene.explained()?.troubles).toHaveLength(2), soon);
  expect(explanationText(scene.explained() as Explanation)).toMatch(
    /\n {2}watcher green, engine 127\.0\.0\.1 fails, and is tried again: .* answered 500\n/,
  );
  blue.good('10.0.0.7');
  other.answer = json([]);
  await vi.waitFor(() => expect(scene.explained()?.troubles).toEqual([]), soon);
  await other[Symbol.asyncDispose]();
});

test.each([
  ['marathon', { marathon_api_url: 'nonsense' }, 'Invalid URL'],
  ['docker', { servers: undefined }, 'undefined'],
  ['dns', { servers: undefined }, 'undefined'],
  ['dns', { servers: [null] }, 'null'],
  ['ec2tag', { tag_name: Symbol('x') }, 'Symbol'],
])(
  'a %s discovery that throws when it is made (%o) is shown, said once, and stops no other',
  async (method, unjudged, reason) => {
    const source = (sources[method] as () => Source)();
    const scene = await startScene({ discovery: source.discovery, unjudged });
    await vi.waitFor(() => expect(scene.status().services.broken.trouble).toContain(reason), soon);
    await neighbourGoesOn(scene);
    // Long enough for the second try.
    await vi.waitFor(
      async () => expect(scene.reconciler.failure('broken')).toContain(reason),
      soon,
    );
    expect(scene.lines.filter(({ service }) => service === 'broken')).toHaveLength(1);
  },
);

async function neighbourGoesOn({
  change,
  hosts,
  status,
}: Awaited<ReturnType<typeof startScene>>): Promise<void> {
  await vi.waitFor(() => expect(hosts('api')).toBeDefined(), soon);
  const next = `next-${performance.now()}`.replace('.', '-');
  change(next);
  await vi.waitFor(() => expect(hosts('api')).toEqual([next]), soon);
  expect(status().services.api.trouble).toBeNull();
}
