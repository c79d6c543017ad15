import type { IncomingMessage, ServerResponse } from 'node:http';

import { percentDecoded } from './percent.ts';

/** What a service last said of itself. */
export interface Beat {
  readonly passed: boolean;
  readonly reason: string;
  /** On `performance.now`'s clock. */
  readonly at: number;
}

/** What services say of themselves, for `ttl` checks. */
export interface Beats {
  last(service: string): Beat | undefined;
  take(service: string, passed: boolean, reason: string): void;
}

export function createBeats(): Beats {
  const beats = new Map<string, Beat>();
  return {
    last: (service) => beats.get(service),
    take: (service, passed, reason) =>
      void beats.set(service, { passed, reason, at: performance.now() }),
  };
}

/**
 * Answers `PUT /beat/<service>`, and nothing else. A browser does not send a PUT to another origin
 * unasked, so that no page on this machine's screen can speak for a service.
 */
export function takeBeats(isService: (name: string) => boolean, beats: Beats) {
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const [, service] = /^\/beat\/([^/]+)$/.exec(path) ?? [];
    if (request.method !== 'PUT' || service === undefined) return false;
    const name = percentDecoded(service);
    const said = new URLSearchParams(query);
    const fault = faultOf(name, said);
    if (fault === undefined)
      beats.take(name, said.get('state') !== 'fail', said.get('reason') ?? '');
    response.writeHead(fault === undefined ? 204 : 404, { 'content-type': 'text/plain' });
    response.end(fault && `${fault}\n`);
    return true;
  };

  function faultOf(name: string, query: URLSearchParams): string | undefined {
    if (!isService(name)) return `there is no service ${name}`;
    const state = query.get('state') ?? 'pass';
    return ['pass', 'fail'].includes(state) ? undefined : 'a state is pass or fail';
  }
}
