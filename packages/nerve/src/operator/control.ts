import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';

import { hasCode, keepServing, type Log, messageOf } from '@smartstack/daemon';
import { z } from 'zod';
import { percentDecoded } from '../checks/percent.ts';
import type { Service } from '../services/service.ts';
import type { Fleet } from '../services/services.ts';
import type { Downtime, Orders } from './overrides.ts';
import { controlSocketIn, flawOf } from './socket-path.ts';
import { makeFolder } from './state-directory.ts';

export interface ControlDeps {
  readonly fleet: Fleet;
  readonly orders: Orders;
  status(): object;
  /** Ends nerve and leaves its announcements to the next one. */
  handOff(): void;
  readonly log: Log;
}

/**
 * Serves the operator's commands over a UNIX socket that its own user alone can use, until the signal
 * aborts. nerve's job does not depend on it: while it cannot listen, it says so in the log and tries again.
 */
export function serveControl(
  directory: string,
  deps: ControlDeps,
  signal: AbortSignal,
): Promise<void> {
  const path = controlSocketIn(directory);
  const complain = (reason: string) =>
    deps.log.warn(
      {
        path,
        reason,
        fix: 'let this account write in state_directory, and let no other nerve use it',
      },
      'cannot take commands',
    );
  return keepServing((own) => serveOn(path, deps, own), complain, signal);
}

async function serveOn(path: string, deps: ControlDeps, signal: AbortSignal): Promise<void> {
  const server = createServer((request, response) => {
    answer(request, deps, signal).then(
      (body) => send(response, 200, body),
      (error: unknown) =>
        send(response, error instanceof Refusal ? error.status : 500, { error: messageOf(error) }),
    );
  });
  try {
    const flaw = flawOf(path);
    if (flaw) throw new Error(flaw);
    await makeFolder(path);
    if (!(await isServed(path))) await rm(path, { force: true });
    await once(listenPrivately(server, path), 'listening', { signal });
    const [error] = await once(server, 'error', { signal });
    throw error;
  } finally {
    server.close();
    server.closeAllConnections();
  }
}

/** The socket is made with mode 0600, with no moment at which it has another. */
function listenPrivately(server: Server, path: string): Server {
  const before = process.umask(0o177);
  try {
    return server.listen(path);
  } finally {
    process.umask(before);
  }
}

class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const orderSchema = z.strictObject({
  reason: z.string().min(1).max(1000).default('none given'),
  owner: z.string().max(100).default('unknown'),
  /** In milliseconds. */
  for: z.number().positive().optional(),
});
const weightSchema = z.strictObject({ weight: z.int().min(0).max(1_000_000).nullable() });

async function answer(
  request: IncomingMessage,
  { fleet, orders, status, handOff }: ControlDeps,
  signal: AbortSignal,
): Promise<unknown> {
  const [, ...words] = (request.url ?? '').split('/').map(percentDecoded);
  const what = `${request.method} ${words.length === 3 ? `${words[0]}/*/${words[2]}` : words[0]}`;
  const named = () => serviceOf(fleet, words[1] ?? '');
  const order = async (service: Service, change: object) => {
    const next = { ...orders.of(service.name), ...change };
    service.obey(next);
    await orders.give(service.name, next);
    return service.status();
  };
  switch (what) {
    case 'GET status':
      return status();
    case 'POST services/*/down':
      return order(named(), { downtime: downtimeOf(await read(request, orderSchema)) });
    case 'POST services/*/up':
      return order(named(), { downtime: undefined });
    case 'POST services/*/weight': {
      const { weight } = await read(request, weightSchema);
      return order(named(), { weight: weight ?? undefined });
    }
    case 'POST services/*/check':
      return named().check(signal);
    case 'POST drain': {
      const downtime = downtimeOf(await read(request, orderSchema));
      await Promise.all(fleet.services().map((service) => order(service, { downtime })));
      return status();
    }
    case 'POST up':
      await Promise.all(fleet.services().map((service) => order(service, { downtime: undefined })));
      return status();
    case 'POST hand-off':
      handOff();
      return {};
    default:
      throw new Refusal(404, `no such command: ${request.method} ${request.url}`);
  }
}

function serviceOf(fleet: Fleet, name: string): Service {
  const service = fleet.services().find((each) => each.name === name);
  if (service) return service;
  const names = fleet.services().map((each) => each.name);
  throw new Refusal(404, `no service ${name}; there are: ${names.join(', ') || 'none'}`);
}

function downtimeOf({ for: span, ...order }: z.output<typeof orderSchema>): Downtime {
  const since = Date.now();
  return { ...order, since, ...(span !== undefined && { until: since + span }) };
}

async function read<S extends z.ZodType>(
  request: IncomingMessage,
  schema: S,
): Promise<z.output<S>> {
  let text = '';
  for await (const chunk of request.setEncoding('utf8')) {
    text += chunk;
    if (text.length > 65_536) throw new Refusal(413, 'the command is too long');
  }
  try {
    return schema.parse(JSON.parse(text || '{}'));
  } catch (error) {
    throw new Refusal(400, `not a command: ${messageOf(error)}`);
  }
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

/** Whether a process listens there; a socket that nobody listens on was left by one that was killed. */
async function isServed(path: string): Promise<boolean> {
  const socket = connect(path);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    if (hasCode(error, 'ECONNREFUSED') || hasCode(error, 'ENOENT')) return false;
    throw error;
  } finally {
    socket.destroy();
  }
}
