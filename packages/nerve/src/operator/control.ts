import { once } from 'node:events';
import { createServer, type Server, type ServerResponse } from 'node:http';

import { keepServing, type Log, messageOf, removeStaleSocket } from '@smartstack/daemon';
import { answer, CommandError, type RequestDeps } from './requests.ts';
import { controlSocketIn, flawOf } from './socket-path.ts';
import { makeFolder } from './state-directory.ts';

export interface ControlDeps extends RequestDeps {
  readonly log: Log;
}

/**
 * Serves the operator's commands over a UNIX socket that its own user alone can use, until the signal
 * aborts. Checks and announcements do not depend on it: while it cannot listen, that is logged and tried again.
 */
export function serveControl(
  directory: string,
  deps: ControlDeps,
  signal: AbortSignal,
): Promise<void> {
  const path = controlSocketIn(directory);
  const logFailure = (reason: string) =>
    deps.log.warn(
      {
        path,
        reason,
        fix: 'let this account write in state_directory, and let no other nerve use it',
      },
      'cannot take commands',
    );
  return keepServing((own) => serveOn(path, deps, own), logFailure, signal);
}

async function serveOn(path: string, deps: ControlDeps, signal: AbortSignal): Promise<void> {
  const server = createServer((request, response) => {
    answer(request, deps, signal).then(
      (body) => send(response, 200, body),
      (error: unknown) =>
        send(response, error instanceof CommandError ? error.status : 500, {
          error: messageOf(error),
        }),
    );
  });
  try {
    const flaw = flawOf(path);
    if (flaw) throw new Error(flaw);
    await makeFolder(path);
    await removeStaleSocket(path);
    await once(listenPrivately(server, path), 'listening', { signal });
    const [error] = await once(server, 'error', { signal });
    throw error;
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** Listens on a socket that has mode 0600 from its creation on. */
function listenPrivately(server: Server, path: string): Server {
  const before = process.umask(0o177);
  try {
    return server.listen(path);
  } finally {
    process.umask(before);
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}
