import type { ServerResponse } from 'node:http';

import { statusOf, tooOld } from './documents.ts';
import type { KubeObject, ObjectEvent, Objects } from './objects.ts';
import type { Matches } from './selectors.ts';

export interface WatchSettings {
  /** How often a watch is told up to which version it has heard everything, in milliseconds. */
  bookmarkEvery: number;
  /** Whether a version that is too old is an answer's status or an event. */
  gone: 'status' | 'event';
  /** Whether watches are not ended after `timeoutSeconds`. */
  isEndless: boolean;
}

/** The watches that are open at an API server. */
export interface Watches {
  readonly count: number;
  /** Streams the changes after the version that the query names. Throws where they can no longer be told. */
  open(response: ServerResponse, matches: Matches, query: URLSearchParams): void;
  /** Sends every watch a line that nothing has happened for. */
  send(line: string): void;
  /** Breaks them off in the middle of what they say. */
  cut(): void;
  /** Ends them as after `timeoutSeconds`. */
  end(): void;
  /** From now on nothing is said to any watch. */
  silent: boolean;
}

export function createWatches(objects: Objects, settings: WatchSettings): Watches {
  const open = new Map<ServerResponse, () => void>();
  const watches: Watches = {
    silent: false,
    get count() {
      return open.size;
    },
    open: (response, matches, query) => {
      const from = Number(query.get('resourceVersion') ?? 0);
      const say = (line: unknown) => {
        if (!watches.silent && !response.writableEnded) response.write(`${JSON.stringify(line)}\n`);
      };
      const isTooOld = from > 0 && from < objects.oldest;
      if (isTooOld && settings.gone === 'status') throw tooOld(from, objects.oldest);
      response.writeHead(200, { 'content-type': 'application/json' });
      response.flushHeaders();
      if (isTooOld) {
        say({ type: 'ERROR', object: statusOf(tooOld(from, objects.oldest).status) });
        response.end();
        return;
      }
      let last = from;
      const tell = (event: ObjectEvent) => {
        last = event.version;
        const told = toldOf(event, matches);
        if (told) say(told);
      };
      if (from === 0) {
        for (const object of objects.state.objects.values())
          if (matches(object)) say({ type: 'ADDED', object });
        last = objects.state.version;
      } else for (const event of objects.since(from)) tell(event);
      const stop = objects.listen(tell);
      const bookmarks =
        query.get('allowWatchBookmarks') === 'true' &&
        setInterval(() => {
          last = Math.max(last, objects.state.version);
          say({ type: 'BOOKMARK', object: bookmarkOf(last) });
        }, settings.bookmarkEvery);
      const seconds = Number(query.get('timeoutSeconds') ?? 1800);
      const timer = setTimeout(() => settings.isEndless || response.end(), seconds * 1000);
      open.set(response, stop);
      response.on('close', () => {
        open.delete(response);
        stop();
        clearTimeout(timer);
        if (bookmarks) clearInterval(bookmarks);
      });
    },
    send: (line) => {
      for (const response of open.keys()) response.write(line);
    },
    cut: () => {
      for (const response of open.keys()) {
        response.write('{"type":"MODIFIED","obj');
        setTimeout(() => response.destroy(), 20);
      }
    },
    end: () => {
      for (const response of open.keys()) response.end();
    },
  };
  return watches;
}

/** To a watch with a selector an object appears and vanishes with what is selected of it. */
function toldOf({ type, object, before }: ObjectEvent, matches: Matches) {
  const [was, is] = [
    before !== undefined && matches(before),
    type !== 'DELETED' && matches(object),
  ];
  if (was && is) return { type: 'MODIFIED', object };
  if (is) return { type: 'ADDED', object };
  return was ? { type: 'DELETED', object } : undefined;
}

function bookmarkOf(version: number): KubeObject | object {
  return {
    kind: 'EndpointSlice',
    apiVersion: 'discovery.k8s.io/v1',
    metadata: { resourceVersion: String(version), creationTimestamp: null },
    endpoints: null,
    ports: null,
  };
}
