import { once } from 'node:events';
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';

/** The part of etcd's v2 keys API that nerve uses, in memory, with the answers of a real etcd 3.4. */
export interface EtcdServer extends AsyncDisposable {
  readonly port: number;
  /** The present values, by key. */
  values(): Readonly<Record<string, unknown>>;
  /** Removes a key, as its expiry does. */
  expire(): void;
  /** Answers in place of the API while it is set. */
  instead: RequestListener | undefined;
  /** Called when something was done, before it is answered, until it is undefined again. */
  onDone: ((method: string, response: ServerResponse) => void) | undefined;
  /** Every request so far: method, path, and body. */
  readonly asked: readonly string[];
}

/** Starts it on a free port of the loopback. */
export async function startEtcd(): Promise<EtcdServer> {
  const nodes = new Map<string, { readonly value: string; readonly modifiedIndex: number }>();
  const asked: string[] = [];
  let index = 0;

  function write(key: string, body: URLSearchParams): void {
    nodes.set(key, { value: body.get('value') ?? '', modifiedIndex: index });
  }

  function answer(
    method: string,
    { pathname, searchParams }: URL,
    body: URLSearchParams,
  ): readonly [number, object] {
    const key = decodeURIComponent(pathname.replace(/^\/v2\/keys/, ''));
    const missing = [404, { errorCode: 100, message: 'Key not found', cause: key, index }] as const;
    const stored = (at: string) => ({ key: at, ...nodes.get(at) });
    switch (method) {
      case 'POST': {
        index += 1;
        const created = `${key}/${String(index).padStart(20, '0')}`;
        write(created, body);
        return [201, { action: 'create', node: stored(created) }];
      }
      case 'PUT':
        index += 1;
        write(key, body);
        return [200, { action: 'set', node: stored(key) }];
      case 'DELETE':
        if (isOther(key, searchParams.get('prevIndex')))
          return [412, { errorCode: 101, message: 'Compare failed', cause: key, index }];
        return nodes.delete(key) ? [200, { action: 'delete', node: { key } }] : missing;
      default: {
        const below = [...nodes.keys()].filter((each) => each.startsWith(`${key}/`));
        if (below.length === 0) return missing;
        return [200, { action: 'get', node: { key, dir: true, nodes: below.map(stored) } }];
      }
    }
  }

  function isOther(key: string, prevIndex: string | null): boolean {
    const node = nodes.get(key);
    return node !== undefined && prevIndex !== null && node.modifiedIndex !== Number(prevIndex);
  }

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await textOf(request);
    asked.push(`${request.method} ${request.url} ${body}`.trim());
    if (subject.instead) return void subject.instead(request, response);
    const url = new URL(request.url ?? '', 'http://etcd');
    const [status, json] = answer(request.method ?? '', url, new URLSearchParams(body));
    subject.onDone?.(request.method ?? '', response);
    if (response.destroyed) return;
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(json));
  }

  const server = createServer((request, response) => {
    serve(request, response).catch(() => response.destroy());
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const subject: EtcdServer = {
    port: (server.address() as AddressInfo).port,
    values: () =>
      Object.fromEntries([...nodes].map(([key, { value }]) => [key, JSON.parse(value) as unknown])),
    expire: () => nodes.clear(),
    instead: undefined,
    onDone: undefined,
    asked,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return subject;
}

async function textOf(request: IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) text += chunk;
  return text;
}
