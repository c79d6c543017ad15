import type { PageRow, PageService, Tone } from '@smartstack/daemon';
import type { Measured, Refused, Service } from '@smartstack/proxy';
import type { Held } from '../discovery/policies/shrink-guard.ts';
import type { RouteNumbers } from './traffic.ts';

export interface ServiceParts {
  readonly service: Service;
  readonly method: string;
  readonly rows: readonly PageRow[];
  readonly held: Held | undefined;
  /** Why it cannot be followed for now. */
  readonly failure?: string | undefined;
  /** Why a part of its discovery does not answer; its last answer stands. */
  readonly trouble?: string | undefined;
  readonly refused: Refused | undefined;
  readonly measured: Measured | undefined;
  /** What its routes got in the last second. */
  readonly routes: readonly RouteNumbers[];
  /** What the plots show of it; undefined where no proxy serves it. */
  readonly plots: PageService['plots'];
  /** Whether a member in such a row gets requests. */
  isUp(row: PageRow): boolean;
  /** Where apps reach it; undefined where no proxy serves it. */
  readonly address: string | undefined;
}

/** More rows than a person reads. */
const mostRows = 200;

/** One service as the page shows it. */
export function serviceView(parts: ServiceParts): PageService {
  const { service, rows, refused } = parts;
  const served = rows.filter(({ state, tone }) => state !== 'left out' && tone !== 'idle');
  const { tone, state, reason } = judge(parts, served);
  return {
    name: service.name,
    tone,
    state,
    place: parts.address ?? 'not proxied',
    ...(refused && { since: Date.parse(refused.since) }),
    ...(reason !== undefined && { reason }),
    facts: factsOf(parts),
    rows: rows.slice(0, mostRows),
    hidden: Math.max(0, rows.length - mostRows),
    ...(parts.plots && { plots: parts.plots }),
  };
}

interface Judgement {
  readonly tone: Tone;
  readonly state: string;
  readonly reason?: string;
}

/** Whether a member failed so much that its proxy took it out. */
export const isEjected = ({ state }: PageRow) => state === 'ejected';

/** The sources of members that are served because no instance is registered. */
const substitutes = new Set(['default_servers', 'previous backends']);

function judge(parts: ServiceParts, served: readonly PageRow[]): Judgement {
  const { failure, refused, address } = parts;
  const all = served.length;
  const up = served.filter(parts.isUp).length;
  const count = address === undefined ? `${all} known` : `${up} of ${all} up`;
  if (refused?.lastGood === false)
    return { tone: 'bad', state: 'quarantined', reason: refused.reason };
  if (failure !== undefined)
    return {
      tone: 'bad',
      state: `${count}, not followed`,
      reason: `cannot be followed; trying again: ${failure}`,
    };
  if (all === 0) return judgeEmpty(parts);
  if (address !== undefined && up === 0) return { tone: 'bad', state: count };
  if (refused) return { tone: 'bad', state: `${count}, last good`, reason: refused.reason };
  const isPartlyUp = up < all && address !== undefined;
  return doubtOf(parts, served, count) ?? { tone: isPartlyUp ? 'warn' : 'good', state: count };
}

/** A service without members. */
function judgeEmpty({ service, trouble }: ServiceParts): Judgement {
  const { instances, missing, stale } = service;
  if (instances === undefined && missing !== undefined)
    return { tone: 'idle', state: 'none registered', reason: missing };
  if (instances === undefined && !stale)
    return {
      tone: 'warn',
      state: 'no answer yet',
      reason: trouble ?? 'no answer from its registry yet',
    };
  return { tone: 'bad', state: 'no members', reason: 'no instance is registered' };
}

/** Why the members that are served may not be the present ones; undefined where they are. */
function doubtOf(
  { service, method, held, trouble }: ServiceParts,
  served: readonly PageRow[],
  count: string,
): Judgement | undefined {
  const warn = (state: string, reason: string): Judgement => ({ tone: 'warn', state, reason });
  if (held)
    return warn(
      `${count}, ${held.members.length} held`,
      `a sudden loss is held back until it is accepted; synapse accept ${service.name} accepts it at once`,
    );
  if (service.instances === undefined)
    return service.stale
      ? warn(`${count}, stale`, staleReason)
      : warn(`${count}, defaults`, defaultsReason);
  if (method !== 'base' && served.every(({ source = '' }) => substitutes.has(source))) {
    const reason = `no instance is registered: ${served[0]?.source} are served`;
    return warn(`${count}, substitutes`, reason);
  }
  if (trouble !== undefined) return warn(count, trouble);
  const [out, ...others] = served.filter(isEjected);
  return (
    out &&
    warn(
      `${count}, ${others.length + 1} ejected`,
      `${out.title} gets no requests for now: ${out.reason}`,
    )
  );
}

const staleReason = 'these are the members of an earlier run: no answer from its registry yet';
const defaultsReason = 'no answer from its registry yet: its default servers are served';

function factsOf({ service, method, measured, routes }: ServiceParts): PageService['facts'] {
  const facts: [string, string][] = [];
  facts.push(['found by', method]);
  if (measured) {
    facts.push(['mode', measured.mode]);
    facts.push(['waiting now', String(measured.queued)]);
    facts.push(['retries', `${measured.retries}, ${measured.redispatches} to another member`]);
    if (measured.ejections !== undefined) facts.push(['ejections', String(measured.ejections)]);
    if (measured.longest !== undefined)
      facts.push(['slowest ever', `${measured.longest} ms since its proxy’s worker started`]);
  }
  if (routes.length > 1)
    for (const { name, numbers } of routes) facts.push([`route ${name}`, routeText(numbers)]);
  facts.push(['configured at', service.origin]);
  return facts;
}

/** What a route got in the last second, in the order of the plots. */
function routeText([requests, errors, ...times]: RouteNumbers['numbers']): string {
  const rate = (value: number | null | undefined) => `${round(value ?? 0)}/s`;
  const [p50, p95, p99] = times.map((time) => (time === null ? '–' : `${round(time)} ms`));
  return `${rate(requests)}, ${rate(errors)} errors; p50 ${p50}, p95 ${p95}, p99 ${p99}`;
}

const round = (value: number) => (value >= 10 ? Math.round(value) : Math.round(value * 10) / 10);
