import type { PageRow, PageService, Tone } from '@smartstack/daemon';
import type { Measured, Refused, Service } from '@smartstack/proxy';
import type { Held } from '../discovery/policies/shrink-guard.ts';

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
  };
}

interface Judgement {
  readonly tone: Tone;
  readonly state: string;
  readonly reason?: string;
}

/** The sources of members that are served because no instance is registered. */
const substitutes = new Set(['default_servers', 'previous backends']);

function judge(
  { service, method, held, failure, trouble, refused, address }: ServiceParts,
  served: readonly PageRow[],
): Judgement {
  const all = served.length;
  const up = served.filter(({ state }) => /^(up|known|added)/.test(state)).length;
  const count = address === undefined ? `${all} known` : `${up} of ${all} up`;
  if (refused?.lastGood === false)
    return { tone: 'bad', state: 'quarantined', reason: refused.reason };
  if (failure !== undefined)
    return {
      tone: 'bad',
      state: `${count}, not followed`,
      reason: `cannot be followed; trying again: ${failure}`,
    };
  if (service.instances === undefined && service.missing !== undefined && all === 0)
    return { tone: 'idle', state: 'none registered', reason: service.missing };
  if (service.instances === undefined && !service.stale && all === 0)
    return {
      tone: 'warn',
      state: 'no answer yet',
      reason: trouble ?? 'no answer from its registry yet',
    };
  if (all === 0) return { tone: 'bad', state: 'no members', reason: 'no instance is registered' };
  if (address !== undefined && up === 0) return { tone: 'bad', state: count };
  if (refused) return { tone: 'bad', state: `${count}, last good`, reason: refused.reason };
  if (held)
    return {
      tone: 'warn',
      state: `${count}, ${held.members.length} held`,
      reason: `a sudden loss is held back until it is accepted; synapse accept ${service.name} accepts it at once`,
    };
  if (service.instances === undefined)
    return {
      tone: 'warn',
      state: `${count}, ${service.stale ? 'stale' : 'defaults'}`,
      reason: service.stale
        ? 'these are the members of an earlier run: no answer from its registry yet'
        : 'no answer from its registry yet: its default servers are served',
    };
  if (method !== 'base' && served.every(({ source = '' }) => substitutes.has(source)))
    return {
      tone: 'warn',
      state: `${count}, substitutes`,
      reason: `no instance is registered: ${served[0]?.source} are served`,
    };
  if (trouble !== undefined) return { tone: 'warn', state: count, reason: trouble };
  return { tone: up < all && address !== undefined ? 'warn' : 'good', state: count };
}

function factsOf({ service, method, measured }: ServiceParts): PageService['facts'] {
  const facts: [string, string][] = [];
  facts.push(['found by', method]);
  if (measured) {
    facts.push(['mode', measured.mode]);
    facts.push(['waiting now', String(measured.queued)]);
    facts.push(['retries', String(measured.retries)]);
    if (measured.longest !== undefined)
      facts.push(['slowest ever', `${measured.longest} ms since its proxy’s worker started`]);
  }
  facts.push(['configured at', service.origin]);
  return facts;
}
