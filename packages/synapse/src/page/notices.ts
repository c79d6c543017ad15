import type { PageNotice, PageService } from '@smartstack/daemon';

import type { Refused } from '@smartstack/proxy';
import { isEjected, type ServiceParts } from './service-view.ts';

export interface Circumstances {
  readonly problems: readonly string[];
  /** Why proxies cannot be brought in step. */
  readonly troubles: readonly { readonly title: string; readonly trouble: string }[];
  readonly refused: readonly Refused[];
  /** Whether a registry is away now. */
  readonly registryAway: boolean;
  readonly services: readonly { readonly parts: ServiceParts; readonly view: PageService }[];
}

/** What a person should know first, worst first. */
export function noticesOf(now: Circumstances): readonly PageNotice[] {
  const notices = [
    ...now.services.flatMap(({ parts, view }) => serviceNotice(parts, view)),
    ...sectionNotices(now),
    ...now.troubles.map(({ title, trouble }) => bad(`${title} is not in step`, trouble)),
    ...now.problems.map((problem) =>
      warn('Bad configuration', `${problem}; what was good before stays in use`),
    ),
    ...(now.registryAway ? [warn('Registry away', registryAwayText)] : []),
  ];
  return notices.sort((one, other) => rank[one.tone] - rank[other.tone]);
}

const bad = (title: string, text: string): PageNotice => ({ tone: 'bad', title, text });
const warn = (title: string, text: string): PageNotice => ({ tone: 'warn', title, text });
const registryAwayText =
  'ZooKeeper does not answer. Traffic goes on with the members known last; who joins or leaves is seen when it is back.';

/** Sections of the proxy's file that are quarantined and belong to no service. */
function sectionNotices({ refused, services }: Circumstances): readonly PageNotice[] {
  const names = new Set(services.map(({ view }) => view.name));
  return refused
    .filter(({ owner }) => !names.has(owner))
    .map(({ owner, reason, since }) => ({
      ...bad('Quarantined', `${owner}: ${reason}`),
      since: Date.parse(since),
    }));
}

const rank = { bad: 0, warn: 1 } as const;

function serviceNotice(parts: ServiceParts, view: PageService): PageNotice[] {
  const { held, refused } = parts;
  const { tone, name: service, reason: text = '', since } = view;
  const common = { service, text, ...(since !== undefined && { since }) };
  if (refused) {
    const title = refused.lastGood ? 'On its last good lines' : 'Quarantined';
    return [{ ...common, tone: 'bad', title, text: refused.reason }];
  }
  if (tone === 'bad') {
    const title = view.rows.length === 0 ? 'No members' : 'No member is up';
    return [{ ...common, tone: 'bad', title, text: text || firstReason(view) }];
  }
  if (held) return [{ ...common, tone: 'warn', title: 'Loss held back', until: held.until }];
  if (tone !== 'warn' || text === '') return [];
  return [{ ...common, tone: 'warn', title: warningTitle(parts, view, text) }];
}

function warningTitle(
  { trouble, service }: ServiceParts,
  { rows }: PageService,
  reason: string,
): string {
  if (reason !== trouble && rows.some(isEjected)) return 'Member ejected';
  if (!service.instances) return service.stale ? 'Stale' : 'No answer yet';
  return reason === trouble ? 'Discovery fails' : 'None registered';
}

/** The reason of the first member that is down says more than that all are down. */
function firstReason({ rows }: PageService): string {
  const row = rows.find(({ reason }) => reason !== undefined);
  return row ? `${row.title}: ${row.reason}` : '';
}
