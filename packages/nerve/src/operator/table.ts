/** The status of nerve as it comes over the socket, with times as text. */
export interface Status {
  readonly instance_id: string;
  /** Whether a registry does not answer now: what is announced there stays as it is. */
  readonly registry_away: boolean;
  readonly services: Readonly<Record<string, ServiceLine>>;
}

export interface ServiceLine {
  readonly state: 'unknown' | 'up' | 'down';
  readonly since: string;
  readonly reason?: string;
  readonly announced: boolean;
  /** Whether a record may be in the registry: it has not answered. */
  readonly may_stand: boolean;
  /** Whether the registry has confirmed the desired state. */
  readonly confirmed: boolean;
  /** Why the pending change fails. */
  readonly trouble?: string;
  readonly because: string;
  readonly until?: string;
  readonly path: string;
  readonly instance: { readonly host: string; readonly port: number; readonly weight?: number };
  readonly downtime?: { readonly reason: string; readonly owner: string };
}

/** The services as a table for people. */
export function formatTable({ services, registry_away: isAway }: Status, now: number): string {
  const rows = Object.entries(services).map(([name, service]) => [
    name,
    addressOf(service),
    service.state,
    announcedAs(service),
    ago(service.since, now),
    why(service, now),
  ]);
  const table = align([['SERVICE', 'ADDRESS', 'STATE', 'ANNOUNCED', 'SINCE', 'WHY'], ...rows]);
  return isAway
    ? `The registry does not answer: what is announced there stays.\n\n${table}`
    : table;
}

function addressOf({ instance: { host, port } }: ServiceLine): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}

function announcedAs({ announced, may_stand, path, instance: { weight } }: ServiceLine): string {
  if (!announced) return may_stand ? 'not known' : 'no';
  return weight === undefined ? path : `${path} (weight ${weight})`;
}

/** Why it is announced or not, and what the registry has not confirmed yet. */
function why(line: ServiceLine, now: number): string {
  const { trouble, announced, because, confirmed } = line;
  const waits = announced && because === 'up' && !confirmed ? 'a change is not confirmed yet' : '';
  const last = trouble === undefined ? waits : `${waits && `${waits}: `}${trouble}`;
  return [trouble !== undefined && because === 'up' ? '' : causeOf(line, now), last]
    .filter((text) => text !== '')
    .join('; ');
}

function causeOf(
  { because, announced, reason, until, downtime }: ServiceLine,
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
