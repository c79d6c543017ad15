import { once } from 'node:events';
import {
  type ClientHttp2Session,
  connect,
  createServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';

import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { freePort } from '../support/ports.ts';
import { until } from '../support/until.ts';
import { valueIn } from './metrics.fixture.ts';
import { type Scene, startScene } from './scene.fixture.ts';
import { differs, subjects } from './subject.fixture.ts';
import { ask, type Member, type Seen } from './world.fixture.ts';

type Behaviour = (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void;

/** A member that speaks HTTP/2 without TLS and nothing else; as gRPC does, it ends with a trailer. */
async function startHttp2(name: string, version: string) {
  const seen: Seen[] = [];
  const sessions = new Set<ServerHttp2Session>();
  let answer: Behaviour = (stream) => {
    stream.respond(
      { ':status': 200, 'content-type': 'application/grpc' },
      { waitForTrailers: true },
    );
    stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
    stream.end(name);
  };
  const server = createServer();
  server.on('session', (session) => sessions.add(session));
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    seen.push({ method: `${headers[':method']}`, url: `${headers[':path']}`, headers });
    answer(stream, headers);
  });
  const port = await freePort();
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const member: Member = {
    name,
    port,
    seen,
    behave: () => {},
    entry: { name, host: '127.0.0.1', port, labels: { version } },
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close');
      server.close();
      for (const session of sessions) session.destroy();
      await closed;
    },
  };
  return {
    member,
    behave: (next: Behaviour) => {
      answer = next;
    },
  };
}

interface Heard {
  readonly status: number;
  readonly body: string;
  readonly trailers: IncomingHttpHeaders;
}

async function call(client: ClientHttp2Session, path: string, body = ''): Promise<Heard> {
  const stream = client.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  stream.end(body);
  let trailers: IncomingHttpHeaders = {};
  stream.on('trailers', (headers) => {
    trailers = headers;
  });
  const [headers] = await once(stream, 'response');
  let text = '';
  for await (const part of stream) text += String(part);
  return { status: Number(headers[':status']), body: text, trailers };
}

const routes = [
  { match: { path_prefix: '/test.V2' }, to: { subset: { version: 'v2' } } },
  { match: { path: '/test.Gone/Call' }, respond: { status: 404, body: 'gone' } },
];
const asked = {
  http2: { policy: { routes }, more: { protocol: 'http2' } },
  grpc: {
    policy: {
      routes,
      retries: { on: ['connect_failure', 503], methods: ['POST'], attempts: 2, budget: '100%' },
      timeouts: { per_try: '300ms' },
      outlier_ejection: false,
    },
    more: { protocol: 'grpc' },
  },
};
type Name = keyof typeof asked;

describe.each(subjects)('HTTP/2 end to end on $title', (subject) => {
  let scene: Scene<Name>;
  const servers: Awaited<ReturnType<typeof startHttp2>>[] = [];
  const clients = {} as Record<Name, ClientHttp2Session>;
  beforeAll(async () => {
    for (const version of ['v1', 'v2', 'v1', 'v2'])
      servers.push(await startHttp2(version === 'v1' ? 'a' : 'b', version));
    const members = servers.map(({ member }) => member);
    scene = await startScene<Name>(
      {
        http2: { ...asked.http2, members: members.slice(0, 2) },
        grpc: { ...asked.grpc, members: members.slice(2) },
      },
      subject,
    );
    for (const name of ['http2', 'grpc'] as const)
      clients[name] = connect(`http://127.0.0.1:${scene.cases[name].port}`);
  });
  afterAll(async () => {
    for (const client of Object.values(clients)) client.destroy();
    await scene?.[Symbol.asyncDispose]();
  });

  test('requests of one connection are spread, and trailers come through', async () => {
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => call(clients.http2, '/test.V1/Call', 'x'.repeat(20_000))),
    );
    expect(
      answers
        .map(({ body }) => body)
        .sort()
        .join(''),
    ).toBe('aaaaabbbbb');
    for (const { status, trailers } of answers) {
      expect(status).toBe(200);
      expect(trailers['grpc-status']).toBe('0');
    }
  });

  test('routes choose by the path of a call', async () => {
    for (const name of ['http2', 'grpc'] as const) {
      for (let i = 0; i < 4; i++)
        expect((await call(clients[name], '/test.V2/Call')).body).toBe('b');
      const gone = differs(subject, 'an answer of the proxy itself to a call of gRPC', {
        haproxy: { status: 404, body: 'gone' },
        envoy: { status: 200, body: '' },
      });
      expect(await call(clients[name], '/test.Gone/Call')).toMatchObject(gone);
    }
  });

  test('calls are tried on another member, and end when one hangs', async () => {
    const [, , first, second] = servers;
    first?.behave((stream) => {
      stream.respond({ ':status': 503 });
      stream.end();
    });
    for (let i = 0; i < 6; i++)
      expect((await call(clients.grpc, '/test.V1/Call', 'x')).body).toBe('b');
    expect(first?.member.seen.length).toBeGreaterThan(1);
    second?.behave(() => {});
    const start = performance.now();
    const late = differs(subject, 'a call of gRPC that takes too long', {
      haproxy: 504,
      envoy: 200,
    });
    expect((await call(clients.grpc, '/test.V2/Call')).status).toBe(late);
    expect(performance.now() - start).toBeLessThan(1500);
  });

  test('who speaks HTTP/1 is not understood', async () => {
    await expect(ask(scene.cases.http2.port)).rejects.toThrow();
  });

  test('each call is counted, by its route', async () => {
    await until(async () => {
      const { body } = await ask(scene.world.status, '/metrics');
      return (
        valueIn(body, 'smartstack_request_duration_seconds_count{service="http2",route="0"}') === 4
      );
    });
  });
});
