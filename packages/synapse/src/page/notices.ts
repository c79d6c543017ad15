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
  const { problems, troubles, refused, registryAway, services } = now;
  const names = new Set(services.map(({ view }) => view.name));
  const notices: PageNotice[] = services.flatMap(({ parts, view }) => serviceNotice(parts, view));
  for (const { owner, reason, since } of refused)
    if (!names.has(owner))
      notices.push({
        tone: 'bad',
        title: 'Quarantined',
        text: `${owner}: ${reason}`,
        since: Date.parse(since),
      });
  for (const { title, trouble } of troubles)
    notices.push({ tone: 'bad', title: `${title} is not in step`, text: trouble });
  for (const problem of problems)
    notices.push({
      tone: 'warn',
      title: 'Bad configuration',
      text: `${problem}; what was good before stays in use`,
    });
  if (registryAway)
    notices.push({
      tone: 'warn',
      title: 'Registry away',
      text: 'ZooKeeper does not answer. Traffic goes on with the members known last; who joins or leaves is seen when it is back.',
    });
  return notices.sort((one, other) => rank[one.tone] - rank[other.tone]);
}

const rank = { bad: 0, warn: 1 } as const;

function serviceNotice(
  { held, refused, trouble, service: { instances, stale } }: ServiceParts,
  view: PageService,
): PageNotice[] {
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
  if (tone === 'warn' && text !== '')
    return [
      {
        ...common,
        tone: 'warn',
        title: titleOf(),
      },
    ];
  return [];

  function titleOf(): string {
    if (text !== trouble && view.rows.some(isEjected)) return 'Member ejected';
    if (!instances) return stale ? 'Stale' : 'No answer yet';
    return text === trouble ? 'Discovery fails' : 'None registered';
  }
}

/** Why the first member is down says more than that all are. */
function firstReason({ rows }: PageService): string {
  const row = rows.find(({ reason }) => reason !== undefined);
  return row ? `${row.title}: ${row.reason}` : '';
}
