import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';

/** A container as an engine tells of it. */
export interface Container {
  readonly image: string;
  readonly port: number;
  readonly published: number;
}

/** Stands for a Docker engine. Disposing of it closes it. */
export interface Engine extends AsyncDisposable {
  /** What it was asked for. */
  readonly asked: ReadonlySet<string>;
  /** From now on these run; who listens to events is told. */
  run(...containers: readonly Container[]): void;
}

/**
 * Serves `GET /containers/json` and `GET /events` of the Docker Engine API (v1.41) on a UNIX socket.
 * @see https://docs.docker.com/reference/api/engine/version/v1.41/
 */
export async function startEngine(socket: string): Promise<Engine> {
  let running: readonly Container[] = [];
  const asked = new Set<string>();
  const listeners = new Set<ServerResponse>();
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    asked.add(`${request.method} ${path}`);
    response.setHeader('content-type', 'application/json');
    if (path === '/containers/json') response.end(JSON.stringify(running.map(described)));
    else if (path === '/events') listen(response);
    else response.writeHead(404).end('{"message":"page not found"}');
  });

  function listen(response: ServerResponse) {
    listeners.add(response);
    response.on('close', () => listeners.delete(response)).flushHeaders();
  }

  server.listen(socket);
  await once(server, 'listening');
  return {
    asked,
    run(...containers) {
      running = containers;
      const event = { Type: 'container', Action: 'start', time: Math.floor(Date.now() / 1000) };
      for (const listener of listeners) listener.write(`${JSON.stringify(event)}\n`);
    },
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function described({ image, port, published }: Container, index: number) {
  return {
    Id: `${index}`.padStart(64, '0'),
    Names: [`/web-${index}`],
    Image: image,
    State: 'running',
    Ports: [{ IP: '0.0.0.0', PrivatePort: port, PublicPort: published, Type: 'tcp' }],
  };
}
