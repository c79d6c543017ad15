import type { Ejection, Measured, MeasuredServer } from '@smartstack/proxy';

/** How long each backend ejects a server that fails, in milliseconds, by its name; others eject none. */
export type EjectTimes = ReadonlyMap<string, number>;

/**
 * Reads `show stat` of backends and servers (types 2 and 4), by backend. The columns are those of
 * section 9.1 of HAProxy's management guide. Counters begin anew with each worker; `rtime`, `ctime` and
 * `qtime` are moving averages over about the last 1,024 answers, in whole milliseconds.
 */
export function parseStatistics(
  text: string,
  now: number,
  ejectTimes: EjectTimes = new Map(),
): ReadonlyMap<string, Measured> {
  const [header = [], ...rows] = parseCsv(text.replace(/^# /, ''));
  const at = new Map(header.map((name, index) => [name, index]));
  const measured = new Map<string, Measured>();
  const servers = new Map<string, CountedServer[]>();
  for (const row of rows) {
    const field = (name: string) => row[at.get(name) ?? -1] ?? '';
    const backend = field('pxname');
    const own = servers.get(backend) ?? [];
    servers.set(backend, own);
    const ejectTime = ejectTimes.get(backend);
    if (field('type') === '2') own.push(serverOf(field, now, ejectTime));
    if (field('type') === '1')
      measured.set(backend, {
        ...backendOf(field, own),
        ejections: ejectTime && own.reduce((sum, { ejections }) => sum + ejections, 0),
      });
  }
  return measured;
}

/**
 * How many connections servers have that carry something (`scur`), out of `show stat <backend> 4 …`. `show
 * servers conn` does not tell: its `used_cur` stays 0 where the mode is TCP.
 */
export function parseConnections(text: string): ReadonlyMap<string, number> {
  const [header = [], ...rows] = parseCsv(text.replace(/^# /, ''));
  const [name, current] = [header.indexOf('svname'), header.indexOf('scur')];
  return new Map(
    rows.filter((row) => row.length > 1).map((row) => [row[name] ?? '', Number(row[current])]),
  );
}

type Field = (name: string) => string;

interface CountedServer {
  readonly server: MeasuredServer;
  readonly average: number | undefined;
  readonly ejections: number;
}

function serverOf(field: Field, now: number, ejectTime: number | undefined): CountedServer {
  const said = field('last_chk') || field('check_desc');
  const code = field('check_code') && `status ${field('check_code')}`;
  const server = {
    name: field('svname'),
    address: field('addr'),
    status: field('status'),
    since: now - Number(field('lastchg')) * 1000,
    reason: [field('check_status').replace(/^\* /, ''), said, code].filter(Boolean).join(', '),
  };
  const idle = Number(field('lbtot')) === 0;
  const ejected = ejectTime && ejectionOf(field, server, ejectTime);
  return {
    server: ejected ? { ...server, ejected } : server,
    average: idle ? undefined : averageOf(field),
    ejections: Number(field('hanafail')),
  };
}

/**
 * HAProxy counts in `hanafail` how often errors took a server out (`observe`, whose check status is `HANA`). The
 * check after `eject_for` lets it back, or finds that it does not accept connections: then it is down for that.
 */
function ejectionOf(
  field: Field,
  { since, reason }: MeasuredServer,
  time: number,
): Ejection | undefined {
  if (!field('status').startsWith('DOWN') || Number(field('hanafail')) === 0) return undefined;
  const isWaiting = field('check_status').replace(/^\* /, '') === 'HANA';
  const why = (isWaiting && field('last_chk')) || reason;
  return { since, why, time, ...(isWaiting && { back: since + time }) };
}

function backendOf(field: Field, servers: readonly CountedServer[]): Omit<Measured, 'ejections'> {
  const count = (name: string) => Number(field(name)) || 0;
  const isHttp = field('mode') === 'http';
  const averages = servers.flatMap(({ average }) => average ?? []);
  const isIdle = count('lbtot') === 0;
  return {
    mode: isHttp ? 'http' : 'tcp',
    requests: count('stot'),
    errors: isHttp ? count('hrsp_5xx') : count('econ') + count('eresp'),
    average: isIdle ? undefined : averageOf(field),
    slowest: averages.length > 0 ? Math.max(...averages) : undefined,
    longest: isIdle ? undefined : count(isHttp ? 'rtime_max' : 'ctime_max'),
    retries: count('wretr'),
    redispatches: count('wredis'),
    routes: [],
    queued: count('qcur'),
    servers: new Map(servers.map(({ server }) => [server.name, server])),
  };
}

/** HTTP servers answer; of others only the connection's making can be timed. */
function averageOf(field: Field): number | undefined {
  const value = field(field('mode') === 'http' ? 'rtime' : 'ctime');
  return value === '' ? undefined : Number(value);
}

/**
 * Rows of fields; a field that needs it is in quotes, where a quote is written twice. Only lines that have quotes
 * are looked at letter by letter, which takes five times as long.
 */
function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: (readonly string[])[] = [];
  let open: string[] = [];
  let isOpen = false;
  for (const line of text.split('\n')) {
    if (!isOpen && !line.includes('"')) {
      rows.push(line.split(','));
      continue;
    }
    // A quoted field may have line breaks in it.
    open.push(line);
    if (line.split('"').length % 2 === 0) isOpen = !isOpen;
    if (isOpen) continue;
    rows.push(quotedRow(open.join('\n')));
    open = [];
  }
  return rows;
}

function quotedRow(line: string): readonly string[] {
  const fields = line.matchAll(/(?:"((?:[^"]|"")*)"|([^,]*))(?:,|$)/g);
  return [...fields].map(([, quoted, plain = '']) => quoted?.replaceAll('""', '"') ?? plain);
}
