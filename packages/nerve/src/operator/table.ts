import { namesOf, registriesOf } from './registries.ts';
import type { RegistryLine, ServiceLine, Status } from './status-lines.ts';

export type { RegistryLine, ServiceLine, Status };

/** The services as a table for people; each registry of a service with several has a line of its own. */
export function formatTable(status: Status, now: number): string {
  const rows = Object.entries(status.services).flatMap(([name, service]) => {
    const registries = registriesOf(service);
    const [first = [], ...others] =
      registries.length < 2
        ? [[announcedAs(service, service), why(service, service, now)]]
        : registries.map((each) => [
            `${each.registry}: ${announcedAs(each, service)}`,
            why(each, service, now),
          ]);
    const [announced = '', reason = ''] = first;
    const since = ago(service.since, now);
    return [
      [name, addressOf(service), service.state, announced, since, reason],
      ...others.map(([where = '', text = '']) => ['', '', '', where, '', text]),
    ];
  });
  const table = align([['SERVICE', 'ADDRESS', 'STATE', 'ANNOUNCED', 'SINCE', 'WHY'], ...rows]);
  if (!status.registry_away) return table;
  const away = namesOf(status, (registry) => registry.away);
  const subject = away === 'the registry' ? 'The registry' : away;
  return `${subject} does not answer: what is announced there stays.\n\n${table}`;
}

function addressOf({ instance: { host, port } }: ServiceLine): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

type Registered = Omit<RegistryLine, 'registry' | 'away'>;

function announcedAs(
  { announced, may_stand, path }: Registered,
  { instance: { weight } }: ServiceLine,
): string {
  if (!announced) return may_stand ? 'not known' : 'no';
  return weight === undefined ? path : `${path} (weight ${weight})`;
}

/** Why it is announced or not, and what the registry has not confirmed yet. */
function why(
  { trouble, announced, confirmed }: Registered,
  line: ServiceLine,
  now: number,
): string {
  const { because } = line;
  const waits = announced && because === 'up' && !confirmed ? 'a change is not confirmed yet' : '';
  const last = trouble === undefined ? waits : `${waits && `${waits}: `}${trouble}`;
  return [trouble !== undefined && because === 'up' ? '' : causeOf(line, announced, now), last]
    .filter((text) => text !== '')
    .join('; ');
}

function causeOf(
  { because, reason, until, downtime }: ServiceLine,
  announced: boolean,
  now: number,
): string {
  const end = until === undefined ? '' : ` for ${span(Date.parse(until) - now)} more`;
  switch (because) {
    case 'up':
      return announced ? '' : 'the registry has not answered yet';
    case 'downtime':
      return `taken down by ${downtime?.owner}${end}: ${downtime?.reason}`;
    case 'down':
      return reason ?? '';
    case 'flapping':
      return `flaps, held down${end}`;
    case 'rate limit':
      return `announced too often, held back${end}`;
    default:
      return because;
  }
}

const ago = (since: string, now: number) => span(now - Date.parse(since));

/** A span of time in its largest unit. */
function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 100) return `${seconds}s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)}m`;
  if (seconds < 360_000) return `${Math.round(seconds / 3600)}h`;
  return `${Math.round(seconds / 86_400)}d`;
}

function align(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => (row[column] ?? '').length)),
  );
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
