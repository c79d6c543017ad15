import type { IncomingMessage, ServerResponse } from 'node:http';
import { percentDecoded } from '@smartstack/daemon';

/** What a service last reported of itself. */
export interface TtlReport {
  readonly passed: boolean;
  readonly reason: string;
  /** On `performance.now`'s clock. */
  readonly at: number;
}

/** The latest report of each service, for `ttl` checks. */
export interface TtlReports {
  last(service: string): TtlReport | undefined;
  record(service: string, passed: boolean, reason: string): void;
}

/** Creates the reports, none at first; they last as long as this process. */
export function createTtlReports(): TtlReports {
  const reports = new Map<string, TtlReport>();
  return {
    last: (service) => reports.get(service),
    record: (service, passed, reason) =>
      void reports.set(service, { passed, reason, at: performance.now() }),
  };
}

/**
 * Answers `PUT /beat/<service>`, and nothing else. A browser sends no PUT to another origin without asking
 * it first, so that no web page can report for a service.
 */
export function acceptTtlReports(isService: (name: string) => boolean, reports: TtlReports) {
  return (request: IncomingMessage, response: ServerResponse): boolean => {
    const [path = '', query = ''] = (request.url ?? '').split('?', 2);
    const [, service] = /^\/beat\/([^/]+)$/.exec(path) ?? [];
    if (request.method !== 'PUT' || service === undefined) return false;
    const name = percentDecoded(service);
    const report = new URLSearchParams(query);
    const fault = faultOf(name, report);
    if (fault === undefined)
      reports.record(name, report.get('state') !== 'fail', report.get('reason') ?? '');
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
