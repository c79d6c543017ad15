import type { RequestListener } from 'node:http';

import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import {
  json,
  startServer,
  type TestServer,
} from '../../packages/registry/src/http/server.fixture.ts';
import { startDns, type TestDns } from '../../packages/synapse/src/discovery/dns/server.fixture.ts';
import { startScene } from './synapse.ts';

/** A source that a test can make good, with this host as its member, or hostile; and its discovery. */
export interface Source {
  readonly discovery: { readonly method: string };
  good(host: string): void;
  bad(how: string): void;
  /** How often it was asked. */
  asked(): number;
}

/** What a test's sources are: servers of its own. */
let web: TestServer;
let names: TestDns;
/** What a hostile server does with a request. */
export const hostile: Readonly<Record<string, RequestListener>> = {
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
/** As often as they can be asked. */
export const interval = { check_interval: 0.02 };

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
/** How often it is asked again before its neighbour is looked at: a name server is waited for for seconds. */
const triesOf = (method: string) => (method.startsWith('dns') ? 1 : 3);
// A name server that does not answer is given up after some seconds.
export const soon = { timeout: 20_000, interval: 10 };

/** For the tests of a file: servers that their sources ask, new ones for each test. */
export function useSources() {
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

  return {
    of: (method: string) => (sources[method] as () => Source)(),
    get web() {
      return web;
    },
  };
}

/** What holds of a discovery by these methods, whatever its source does. */
export function describeFaultsOf(methods: readonly string[]): void {
  const { of } = useSources();
  const faults = methods.flatMap((method) => faultsOf(method).map((how) => [method, how] as const));

  describe.each(faults)('a %s discovery whose source %s', (method, how) => {
    test('from the start is asked on, said once and shown; its neighbour goes on', async () => {
      const source = of(method);
      source.bad(how);
      const scene = await startScene({ discovery: source.discovery });
      await vi.waitFor(() => expect(scene.status().services.broken.trouble).toMatch(/./), soon);
      await vi.waitFor(() => expect(source.asked()).toBeGreaterThan(triesOf(method)), soon);
      await neighbourGoesOn(scene);
      expect(scene.reconciler.snapshot().get('broken')?.instances).toBeUndefined();
      expect(
        scene.lines.filter(({ service, level }) => service === 'broken' && level > 30),
      ).toEqual([expect.objectContaining({ reason: scene.status().services.broken.trouble })]);
      source.good('10.0.0.7');
      await vi.waitFor(() => expect(scene.hosts('broken')).toHaveLength(1), soon);
      await vi.waitFor(() => expect(scene.status().services.broken.trouble).toBeNull(), soon);
    });

    test('later keeps what was known, is asked on, said once and shown; its neighbour goes on', async () => {
      const source = of(method);
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
      await vi.waitFor(
        () => expect(scene.status().services.broken.members).not.toEqual(known),
        soon,
      );
      expect(scene.explained()?.troubles).toEqual([]);
    });
  });
}

/** The other service of a scene is followed as ever. */
export async function neighbourGoesOn({
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
