import { once } from 'node:events';
import * as http from 'node:http';
import * as https from 'node:https';
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';

import { documentAt, Refused, statusOf } from './documents.ts';
import { createObjects, type Objects } from './objects.ts';
import { createResource } from './resource.ts';
import { createWatches, type Watches, type WatchSettings } from './watches.ts';

/** A small Kubernetes API server that has EndpointSlices, in memory, and nothing else. */
export interface ApiServer extends AsyncDisposable {
  readonly url: string;
  readonly port: number;
  readonly objects: Objects;
  readonly watches: Watches;
  readonly settings: WatchSettings & ApiSettings;
  /** What was asked, as `list shop`, `watch shop`, or `GET /version`; without what kubectl asks about the API. */
  readonly asked: string[];
  /** Bytes that were sent and received so far. */
  bytes(): { readonly sent: number; readonly received: number };
  /** Resets every connection and refuses new ones, until it is started again. */
  stop(): Promise<void>;
  start(): Promise<void>;
}

export interface ApiSettings {
  /** Who may ask, by token; undefined for everybody. */
  tokens: Readonly<Record<string, string>> | undefined;
  /** Whether a user may not do this. */
  forbids(user: string, verb: string, namespace: string): boolean;
  /** Answers in its place: true where it has. */
  fault(request: http.IncomingMessage, response: http.ServerResponse): boolean;
}

export interface ApiServerOptions {
  readonly port: number;
  /** TLS with these; clients with a certificate are known by its name. */
  readonly tls?: https.ServerOptions;
}

/** Starts a server on a port of 127.0.0.1. */
export async function startApiServer({ port, tls }: ApiServerOptions): Promise<ApiServer> {
  const objects = createObjects();
  const settings: ApiServer['settings'] = {
    bookmarkEvery: 60_000,
    gone: 'event',
    isEndless: false,
    tokens: undefined,
    forbids: () => false,
    fault: () => false,
  };
  const watches = createWatches(objects, settings);
  const resource = createResource(objects, watches);
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const gone = { sent: 0, received: 0 };

  async function answer(request: http.IncomingMessage, response: http.ServerResponse) {
    const url = new URL(request.url ?? '/', 'http://server');
    try {
      const user = userOf(request, settings);
      const document = documentAt(url.pathname);
      if (document !== undefined) return send(response, 200, document);
      const asking = resource.read(request.method ?? 'GET', url);
      asked.push(`${asking.verb} ${asking.namespace ?? 'all'}`);
      if (settings.fault(request, response)) return;
      if (settings.forbids(user, asking.verb, asking.namespace ?? ''))
        throw forbidden(user, asking.verb, asking.namespace);
      const result = await resource.answer(asking, request, response);
      if (result) send(response, result.code, result.body);
    } catch (error) {
      const status =
        error instanceof Refused
          ? error.status
          : { code: 500, reason: 'InternalError', message: String(error) };
      send(response, status.code, statusOf(status));
    }
  }

  const listener: http.RequestListener = (request, response) => void answer(request, response);
  const server = tls
    ? https.createServer({ ...tls, requestCert: true, rejectUnauthorized: false }, listener)
    : http.createServer(listener);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      gone.sent += socket.bytesWritten;
      gone.received += socket.bytesRead;
    });
  });

  const start = async () => {
    await once(server.listen(port, '127.0.0.1'), 'listening');
  };
  const stop = async () => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    for (const socket of sockets) socket.resetAndDestroy();
    await closed;
  };
  await start();
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    port,
    objects,
    watches,
    settings,
    asked,
    bytes: () => ({
      sent: [...sockets].reduce((sum, { bytesWritten }) => sum + bytesWritten, gone.sent),
      received: [...sockets].reduce((sum, { bytesRead }) => sum + bytesRead, gone.received),
    }),
    start,
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function send(response: http.ServerResponse, code: number, body: unknown): void {
  response.writeHead(code, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

function userOf({ headers, socket }: http.IncomingMessage, { tokens }: ApiSettings): string {
  const peer = 'getPeerCertificate' in socket ? (socket as TLSSocket).getPeerCertificate() : {};
  const name = (socket as TLSSocket).authorized
    ? (peer as { readonly subject?: { readonly CN?: string } }).subject?.CN
    : undefined;
  if (name !== undefined) return name;
  if (!tokens) return 'system:anonymous';
  const user = tokens[headers.authorization?.replace(/^Bearer /, '') ?? ''];
  if (user === undefined) throw new Refused(401, 'Unauthorized', 'Unauthorized');
  return user;
}

function forbidden(user: string, verb: string, namespace: string | undefined): Refused {
  const where =
    namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return new Refused(
    403,
    'Forbidden',
    `endpointslices.discovery.k8s.io is forbidden: User "${user}" cannot ${verb} resource "endpointslices" in API group "discovery.k8s.io" ${where}`,
  );
}
