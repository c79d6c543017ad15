import type { IncomingMessage, ServerResponse } from 'node:http';

import type { Log } from '../logs/log.ts';
import { readAsset } from './assets.ts';
import { createLook, type LookTimes, type PageSource } from './look.ts';
import { createReader } from './news.ts';

/** A daemon's status page: `/` and what is under `/page/`. */
export interface Page {
  /** Answers what is the page's own; false for everything else. */
  answer(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
  /** Looks at the daemon while somebody watches, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

const mostViewers = 32;
/** What may wait for a viewer that reads slowly, in bytes; it is told the rest later. */
const mostWaiting = 1_000_000;

/**
 * Only what this server sends is loaded, nothing is run or styled that stands in the document itself,
 * and nobody may frame it: https://www.w3.org/TR/CSP3/.
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

export function createPage(source: PageSource, log: Log, times: Partial<LookTimes> = {}): Page {
  const look = createLook(source, log, times);

  /** Server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html. */
  async function stream(response: ServerResponse): Promise<void> {
    if (look.watching >= mostViewers) {
      response.writeHead(503, { ...security, 'content-type': 'text/plain; charset=utf-8' });
      response.end('too many are watching\n');
      return;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    response.writeHead(200, { ...security, 'content-type': 'text/event-stream' });
    response.write('retry: 1000\n\n');
    const reader = createReader();
    let quietSince = 0;
    await look.show(
      {
        tell: (present, written, now) => {
          if (response.writableLength > mostWaiting) return;
          const news = reader.news(present, written, now);
          if (news === undefined && now - quietSince < 1000) return;
          quietSince = now;
          response.write(`data: ${news ?? `{"now":${now}}`}\n\n`);
        },
      },
      gone.signal,
    );
  }

  async function state(response: ServerResponse): Promise<void> {
    await look.glance({
      tell: (present, written, now) => {
        response.writeHead(200, { ...security, 'content-type': 'application/json' });
        response.end(createReader().news(present, written, now));
      },
    });
  }

  async function file(response: ServerResponse, name: string, isHead: boolean): Promise<void> {
    const asset = await readAsset(name);
    response.writeHead(asset ? 200 : 404, {
      ...security,
      'content-type': asset?.type ?? 'text/plain; charset=utf-8',
    });
    response.end(isHead ? undefined : (asset?.body ?? 'no such file\n'));
  }

  return {
    answer: async (request, response) => {
      const path = request.url?.split('?', 1)[0] ?? '/';
      const isHead = request.method === 'HEAD';
      if ((request.method !== 'GET' && !isHead) || (path !== '/' && !path.startsWith('/page/')))
        return false;
      if (path === '/') await file(response, 'index.html', isHead);
      else if (path === '/page/stream' && !isHead) await stream(response);
      else if (path === '/page/state' && !isHead) await state(response);
      else await file(response, path.slice('/page/'.length), isHead);
      return true;
    },
    run: look.run,
  };
}
