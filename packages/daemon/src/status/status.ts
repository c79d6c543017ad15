import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

import { z } from 'zod';
import type { Log } from '../logs/log.ts';
import type { Metrics } from '../metrics/metrics.ts';
import type { PageSource } from '../page/feed.ts';
import { createPage, type Page } from '../page/page.ts';
import { keepServing } from '../run/keep-serving.ts';
import { isForUs, isLoopback } from './host.ts';

/** What a daemon tells about itself. */
export interface StatusParts {
  readonly metrics: Metrics;
  /** Whether it is ready. */
  ready(): boolean;
  /** Its status: JSON-safe, or a promise of that. */
  status(): unknown;
  /** Answers the daemon's own paths; false for any other, which is then answered here. */
  answer?(request: IncomingMessage, response: ServerResponse): boolean;
  /** What is on its page at `/`; without it there is none. */
  readonly page?: PageSource;
}

const addressPattern = /^(\[[0-9a-f:]+\]|[^:\s[\]/]+):\d{1,5}$/;

/** Where the status server listens: `host:port`, or false for nowhere. */
export const statusAddress = z.union([
  z.literal(false),
  z
    .string()
    .regex(addressPattern, { error: 'expected host:port' })
    .refine((text) => Number(text.slice(text.lastIndexOf(':') + 1)) <= 65_535, {
      error: 'expected a port of at most 65535',
    })
    .transform((text) => {
      const colon = text.lastIndexOf(':');
      return {
        host: text.slice(0, colon).replace(/^\[|\]$/g, ''),
        port: Number(text.slice(colon + 1)),
      };
    })
    .meta({ written: { type: 'string', pattern: addressPattern.source }, unit: 'host:port' }),
]);

export type StatusAddress = Exclude<z.output<typeof statusAddress>, false>;

/**
 * Serves `GET /health /ready /metrics /status` and a page at `/` until the signal aborts, to requests
 * that are meant for this machine (see `isForUs`). A daemon's job does not depend on it: while it cannot listen, it says
 * so in the log and tries again.
 */
export function serveStatus(
  address: StatusAddress,
  { log, ...parts }: StatusParts & { readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  const complain = (reason: string) =>
    log.warn(
      { ...address, reason, fix: 'free that port, or set another status_address' },
      'cannot serve status',
    );
  return keepServing((own) => serveOnce(address, { log, ...parts }, own), complain, signal);
}

async function serveOnce(
  address: StatusAddress,
  { log, ...parts }: StatusParts & { readonly log: Log },
  signal: AbortSignal,
): Promise<void> {
  const page = parts.page && createPage(parts.page, log);
  const server = createStatusServer({ ...parts, address, page }, log);
  const ended = new AbortController();
  const pageEnded = page?.run(ended.signal);
  try {
    await once(server.listen(address), 'listening', { signal });
    log.info(address, 'status is served');
    const [error] = await once(server, 'error', { signal });
    throw error;
  } finally {
    server.close();
    server.closeAllConnections();
    ended.abort();
    await pageEnded;
  }
}

function createStatusServer(served: Served, log: Log): Server {
  return createServer((request, response) => {
    answer(request, response, served).catch((error: unknown) => {
      log.error({ err: error, url: request.url }, 'cannot answer a status request');
      response.destroy();
    });
  });
}

interface Served extends Omit<StatusParts, 'page'> {
  readonly address: StatusAddress;
  readonly page: Page | undefined;
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  served: Served,
): Promise<void> {
  const { answer: own, address, page } = served;
  const path = request.url?.split('?', 1)[0] ?? '/';
  const send: Send = (code, type, body) => {
    response.writeHead(code, { 'content-type': type, 'x-content-type-options': 'nosniff' });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
  if (!isForUs(request.headers.host, address.host) && !isForScrapers(path, address))
    return send(421, plain, 'asked for under another name: use localhost or the address\n');
  if (own?.(request, response) || (await page?.answer(request, response))) return;
  if (request.method !== 'GET' && request.method !== 'HEAD')
    return send(405, plain, 'only GET is answered\n');
  await answerPath(path, served, send);
}

type Send = (code: number, type: string, body: string) => void;

async function answerPath(
  path: string,
  { metrics, ready, status, page }: Served,
  send: Send,
): Promise<void> {
  switch (path) {
    case '/health':
      return send(200, plain, 'ok\n');
    case '/ready':
      return ready() ? send(200, plain, 'ready\n') : send(503, plain, 'not ready yet\n');
    case '/metrics': {
      const { body, contentType } = await metrics.text();
      return send(200, contentType, body);
    }
    case '/status':
      return send(200, 'application/json', `${JSON.stringify(await status(), undefined, 2)}\n`);
    default:
      return send(
        404,
        plain,
        `there are ${page ? '/, ' : ''}/health, /ready, /metrics and /status\n`,
      );
  }
}

/** Where the network may ask, monitoring does so by any of this machine's names, and learns no secret. */
function isForScrapers(path: string, { host }: StatusAddress): boolean {
  return !isLoopback(host) && ['/health', '/ready', '/metrics'].includes(path);
}

const plain = 'text/plain; charset=utf-8';
