import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** One answer of a Consul that may lie. */
export interface Answer {
  readonly status?: number;
  readonly index?: number | string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Sent in place of the body, which ends there with the connection. */
  readonly half?: string;
}

/** A server that gives each request the next answer, and holds those that come after the last. */
export interface FakeConsul extends AsyncDisposable {
  readonly url: string;
  /** Every request so far: path and query. */
  readonly asked: readonly URL[];
  /** Answers the oldest request that waits, or the next one. */
  answer(answer: Answer): void;
}

export async function startFakeConsul(): Promise<FakeConsul> {
  const asked: URL[] = [];
  const answers: Answer[] = [];
  const held: ServerResponse[] = [];
  const server = createServer((request, response) => {
    asked.push(new URL(request.url ?? '/', 'http://consul'));
    held.push(response);
    response.on('close', () => {
      const at = held.indexOf(response);
      if (at >= 0) held.splice(at, 1);
    });
    match();
  });

  function match(): void {
    while (held.length > 0 && answers.length > 0) {
      const [response] = held.splice(0, 1);
      const [answer] = answers.splice(0, 1);
      if (response && answer) give(response, answer);
    }
  }

  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    answer: (answer) => {
      answers.push(answer);
      match();
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function give(
  response: ServerResponse,
  { status = 200, index, headers, body, half }: Answer,
): void {
  response.writeHead(status, {
    ...(index !== undefined && { 'X-Consul-Index': `${index}` }),
    'X-Consul-KnownLeader': 'true',
    'X-Consul-LastContact': '0',
    ...headers,
  });
  if (half === undefined) response.end(typeof body === 'string' ? body : JSON.stringify(body));
  else response.write(half, () => response.destroy());
}

/** What Consul says of one instance. */
export function entry(port: number, more: object = {}) {
  const node = { Node: 'one', Address: '10.0.0.1', Datacenter: 'dc1' };
  return {
    Node: node,
    Service: {
      ID: `web-${port}`,
      Service: 'web',
      Port: port,
      Address: '',
      ModifyIndex: 5,
      ...more,
    },
    Checks: [{ CheckID: 'c', Name: 'c', Status: 'passing', Output: '' }],
  };
}
