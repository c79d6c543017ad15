import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Log } from '../logs/log.ts';
import { readAsset } from './assets.ts';
import { createFeed, type Feed, type FeedIntervals, type PageSource, type Viewer } from './feed.ts';
import { createReader } from './news.ts';

/** A daemon's status page: `/` and what is under `/page/`. */
export interface Page {
  /** Answers requests for the page's own paths; false for any other. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  /** Feeds those who watch until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const mostViewers = 32;
/** What may be buffered for a slow viewer, in bytes; above it updates are skipped until it has read. */
const mostWaiting = 1_000_000;

/**
 * Only what this server sends is loaded, nothing is run or styled that stands in the document itself,
 * and no other page may frame it: https://www.w3.org/TR/CSP3/.
 */
const security = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'no-cache',
};

export function createPage(
  source: PageSource,
  log: Log,
  intervals: Partial<FeedIntervals> = {},
): Page {
  const feed = createFeed(source, log, intervals);
  return {
    answer: async (request, response) => {
      const path = request.url?.split('?', 1)[0] ?? '/';
      const isHead = request.method === 'HEAD';
      if ((request.method !== 'GET' && !isHead) || (path !== '/' && !path.startsWith('/page/')))
        return false;
      if (path === '/') await sendFile(response, 'index.html', isHead);
      else if (path === '/page/stream' && !isHead) await stream(feed, response);
      else if (path === '/page/state' && !isHead) await sendState(feed, response);
      else await sendFile(response, path.slice('/page/'.length), isHead);
      return true;
    },
    run: feed.run,
  };
}

/** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html. */
async function stream(feed: Feed, response: ServerResponse): Promise<void> {
  if (feed.followers >= mostViewers) {
    response.writeHead(503, { ...security, 'content-type': 'text/plain; charset=utf-8' });
    response.end('too many are watching\n');
    return;
  }
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  response.writeHead(200, { ...security, 'content-type': 'text/event-stream' });
  response.write('retry: 1000\n\n');
  await feed.follow(streamTo(response), gone.signal);
}

/** Sends a viewer what is new, or the time once a second. */
function streamTo(response: ServerResponse): Viewer {
  const reader = createReader();
  let quietSince = 0;
  return {
    tell: (present, written, now) => {
      if (response.writableLength > mostWaiting) return;
      const news = reader.news(present, written, now);
      if (news === undefined && now - quietSince < 1000) return;
      quietSince = now;
      response.write(`data: ${news ?? `{"now":${now}}`}\n\n`);
    },
  };
}

async function sendState(feed: Feed, response: ServerResponse): Promise<void> {
  await feed.tellOnce({
    tell: (present, written, now) => {
      response.writeHead(200, { ...security, 'content-type': 'application/json' });
      response.end(createReader().news(present, written, now));
    },
  });
}

async function sendFile(response: ServerResponse, name: string, isHead: boolean): Promise<void> {
  const asset = await readAsset(name);
  response.writeHead(asset ? 200 : 404, {
    ...security,
    'content-type': asset?.type ?? 'text/plain; charset=utf-8',
  });
  response.end(isHead ? undefined : (asset?.body ?? 'no such file\n'));
}
