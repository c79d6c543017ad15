import type { Measured, MeasuredServer } from '@smartstack/proxy';

/**
 * Reads `show stat` of backends and servers (types 2 and 4), by backend. The columns are those of
 * section 9.1 of HAProxy's management guide. Counters begin anew with each worker; `rtime`, `ctime` and
 * `qtime` are moving averages over about the last 1,024 answers, in whole milliseconds.
 */
export function parseStatistics(text: string, now: number): ReadonlyMap<string, Measured> {
  const [header = [], ...rows] = parseCsv(text.replace(/^# /, ''));
  const at = new Map(header.map((name, index) => [name, index]));
  const measured = new Map<string, Measured>();
  const servers = new Map<string, { server: MeasuredServer; average: number | undefined }[]>();
  for (const row of rows) {
    const field = (name: string) => row[at.get(name) ?? -1] ?? '';
    const backend = field('pxname');
    const own = servers.get(backend) ?? [];
    servers.set(backend, own);
    if (field('type') === '2') own.push(serverOf(field, now));
    if (field('type') === '1') measured.set(backend, backendOf(field, own));
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

function serverOf(field: Field, now: number) {
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
  return { server, average: idle ? undefined : averageOf(field) };
}

function backendOf(
  field: Field,
  servers: readonly { readonly server: MeasuredServer; readonly average: number | undefined }[],
): Measured {
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
    queued: count('qcur'),
    servers: new Map(servers.map(({ server }) => [server.name, server])),
  };
}

/** HTTP servers answer; of others only the connection's making can be timed. */
function averageOf(field: Field): number | undefined {
  const value = field(field('mode') === 'http' ? 'rtime' : 'ctime');
  return value === '' ? undefined : Number(value);
}

/** Rows of fields; a field that needs it is in quotes, where a quote is written twice. */
function parseCsv(text: string): readonly (readonly string[])[] {
  if (!text.includes('"')) return text.split('\n').map((line) => line.split(','));
  const rows: string[][] = [];
  let row: string[] = [];
  for (const [, quoted, plain = '', end] of text.matchAll(
    /(?:"((?:[^"]|"")*)"|([^,\n]*))(,|\n|$)/g,
  )) {
    row.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === ',') continue;
    rows.push(row);
    row = [];
  }
  return rows;
}
