import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

import { createDeadline, parseDuration } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import type { Catalog, Entry } from './catalog.ts';
import { type MemberHealth, targetsOf } from './prometheus.ts';

export interface ApiParts {
  readonly catalog: Catalog;
  /** Asks the proxies how members are. */
  health(): Promise<MemberHealth>;
  /** Where a service's members stopped and why; undefined for an unknown service. */
  explain(service: string): object | undefined | Promise<object | undefined>;
  /** What the registries of a service have beside one another: a string says why it cannot be told; undefined for an unknown service. */
  compare(service: string): object | string | undefined;
  /** Accepts a loss that is held back; undefined for an unknown service, false where none is held back. */
  accept(service: string): boolean | undefined;
}

/** The header that an operator's order must carry: a web page cannot send it to another's port unasked. */
export const orderHeader = 'x-synapse-order';

const longestWait = 600_000;
const mostWaiting = 2_000;
const keepAlive = 15_000;
/** About 50 MB of answer. */
const mostTargets = 100_000;

/**
 * Answers `/v1/…`: services as apps see them, for apps that cannot use a proxy. `?index=N&wait=30s` is
 * answered once the service's index differs from N, or the time is over; `/events` tells of every
 * change as server-sent events.
 */
export function createApi(parts: ApiParts) {
  let waiting = 0;

  async function counted(response: ServerResponse, work: () => Promise<void>): Promise<void> {
    if (waiting >= mostWaiting) return send(response, 503, { error: 'too many are waiting' });
    waiting += 1;
    await work().finally(() => {
      waiting -= 1;
    });
  }

  async function service(
    request: IncomingMessage,
    response: ServerResponse,
    name: string,
    query: URLSearchParams,
  ) {
    const entry = parts.catalog.entries()?.get(name);
    if (!entry) return unknown(response, name);
    const known = query.get('index');
    if (known === null || Number(known) !== entry.index) return sendEntry(request, response, entry);
    const wait = parseDuration(query.get('wait') ?? '30s');
    if (wait === undefined)
      return send(response, 400, { error: 'wait is no duration such as 30s' });
    await counted(response, async () => {
      const newer = await another(
        parts.catalog,
        entry,
        Math.min(wait, longestWait),
        endOf(response),
      );
      return newer ? sendEntry(request, response, newer) : unknown(response, name);
    });
  }

  async function events(request: IncomingMessage, response: ServerResponse, name: string) {
    if (!parts.catalog.entries()?.has(name)) return unknown(response, name);
    await counted(response, async () => {
      const signal = endOf(response);
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
      const beating = beat(response, signal);
      const seen = request.headers['last-event-id'];
      for await (const entry of parts.catalog.follow(name, signal)) {
        if (!entry) break;
        if (String(entry.index) === seen) response.flushHeaders();
        else await tell(response, entry, signal);
      }
      response.end();
      await beating;
    });
  }

  /** Everything that is followed, or the services that are asked for; names that are not there are no targets. */
  async function targets(response: ServerResponse, query: URLSearchParams): Promise<void> {
    const asked = new Set(query.getAll('service'));
    const health = await parts.health();
    const entries = [...(parts.catalog.entries()?.values() ?? [])];
    const wanted = entries.filter(({ name }) => asked.size === 0 || asked.has(name));
    // Prometheus keeps what it had when it is refused, and forgets it when it is told of none.
    const silent = wanted.find(({ stale, members }) => stale && members.length === 0);
    if (asked.size > 0 && silent)
      return send(response, 503, { error: `no answer from ${silent.name}’s discovery yet` });
    if (wanted.reduce((all, { members }) => all + members.length, 0) > mostTargets)
      return send(response, 503, {
        error: `more than ${mostTargets} members; ask for fewer by ?service=<name>`,
      });
    send(response, 200, targetsOf(wanted, health));
  }

  function order(request: IncomingMessage, response: ServerResponse, name: string) {
    if (request.method !== 'POST' || request.headers[orderHeader] === undefined)
      return send(response, 405, { error: `orders are a POST with the header ${orderHeader}` });
    const accepted = parts.accept(name);
    if (accepted === undefined) return unknown(response, name);
    send(response, 200, { service: name, accepted });
  }

  async function route(
    request: IncomingMessage,
    response: ServerResponse,
    url: URL,
  ): Promise<void> {
    const [, , kind = '', name, more, ...rest] = url.pathname.split('/').map(decode);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    if (kind === 'accept' && name && more === undefined) return order(request, response, name);
    if (!isRead) return send(response, 405, { error: 'only GET is answered' });
    if (!parts.catalog.entries()) return send(response, 503, { error: 'not ready yet' });
    if (rest.length > 0) return send(response, 404, { error: routes });
    if (kind === 'explain' && name && more === undefined) {
      const explained = await parts.explain(name);
      return explained ? send(response, 200, explained) : unknown(response, name);
    }
    if (kind === 'prometheus' && !name) return targets(response, url.searchParams);
    if (kind === 'compare' && name && more === undefined) {
      const compared = parts.compare(name);
      if (typeof compared === 'string') return send(response, 409, { error: compared });
      return compared ? send(response, 200, compared) : unknown(response, name);
    }
    if (kind === 'services' && !name) return sendAll(response, parts.catalog);
    if (kind === 'services' && name && more === undefined)
      return service(request, response, name, url.searchParams);
    if (kind === 'services' && name && more === 'events') return events(request, response, name);
    send(response, 404, { error: routes });
  }

  /** Answers what is under `/v1/`; false for everything else. */
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const url = urlOf(request.url ?? '/');
    if (!url?.pathname.startsWith('/v1/')) return false;
    route(request, response, url).catch(() => response.destroy());
    return true;
  };
}

/** Undefined for what is none, such as `//`. */
function urlOf(text: string): URL | undefined {
  const base = 'http://localhost';
  return URL.canParse(text, base) ? new URL(text, base) : undefined;
}

const routes =
  'there are /v1/services, /v1/services/<name>, /v1/services/<name>/events, /v1/explain/<name>, /v1/compare/<name> and /v1/prometheus';

/** A service's entry once its index has changed, or as it is when the time is over; undefined once it is gone. */
async function another(
  catalog: Catalog,
  known: Entry,
  wait: number,
  outer: AbortSignal,
): Promise<Entry | undefined> {
  using deadline = createDeadline(wait, outer);
  for await (const entry of catalog.follow(known.name, deadline.signal))
    if (entry?.index !== known.index) return entry;
  return known;
}

/** Sends one event; resolves when its reader keeps up, so that one who never reads costs one event, not all. */
async function tell(response: ServerResponse, entry: Entry, signal: AbortSignal): Promise<void> {
  const data = JSON.stringify(shown(entry));
  if (!response.write(`id: ${entry.index}\nevent: members\ndata: ${data}\n\n`))
    await once(response, 'drain', { signal }).catch(() => {});
}

async function beat(response: ServerResponse, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await sleep(keepAlive, undefined, { signal }).catch(() => {});
    if (!signal.aborted && !response.writableNeedDrain) response.write(':\n\n');
  }
}

/** A signal that aborts when the answer was sent or its reader is gone. */
function endOf(response: ServerResponse): AbortSignal {
  const ended = new AbortController();
  response.once('close', () => ended.abort());
  return ended.signal;
}

function sendAll(response: ServerResponse, catalog: Catalog): void {
  const all = [...(catalog.entries()?.values() ?? [])];
  send(response, 200, {
    services: Object.fromEntries(
      all.map(({ name, index, stale, members }) => [
        name,
        { index, stale, members: members.length },
      ]),
    ),
  });
}

function sendEntry(request: IncomingMessage, response: ServerResponse, entry: Entry): void {
  const etag = `"${entry.index}"`;
  response.setHeader('etag', etag);
  response.setHeader('x-synapse-index', String(entry.index));
  if (request.headers['if-none-match'] === etag) return void response.writeHead(304).end();
  send(response, 200, shown(entry));
}

function shown({ name, index, stale, members }: Entry): object {
  return { service: name, index, stale, members: members.map(shownMember) };
}

/** Without the proxy's own options, which an app cannot use; its weight is the one that shares the traffic now. */
function shownMember({
  haproxyServerOptions: _,
  haproxyServerId: __,
  trafficWeight,
  ...member
}: Instance): object {
  return trafficWeight === undefined ? member : { ...member, weight: trafficWeight };
}

function unknown(response: ServerResponse, name: string): void {
  send(response, 404, {
    error: `there is no service ${name}; /v1/services names those that there are`,
  });
}

function send(response: ServerResponse, status: number, value: object): void {
  response.writeHead(status, {
    'content-type': 'application/json',
    'cache-control': 'no-cache',
    'x-content-type-options': 'nosniff',
  });
  response.end(response.req.method === 'HEAD' ? undefined : `${JSON.stringify(value)}\n`);
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
