import type { PolicyFiles } from './files.ts';
import { rest } from './routes.ts';
import { isHttp, type Traffic } from './traffic.ts';

/** Lines of a frontend's log, where it goes, and the files that they name. */
export interface LogTarget {
  /** An address for all log lines; else they go where HAProxy's own output goes. */
  readonly syslog: string | undefined;
  /** The files of what a policy changes without a reload. */
  readonly files: PolicyFiles;
}

/** A line that is longer is cut off, and then no JSON any more: texts in it have bounds that leave room. */
const longestLine = 8192;

/** Lines that say what is logged of each request or connection. */
export function accessLogLines(traffic: Traffic, target: LogTarget): readonly string[] {
  const { access_log: log = 'off' } = traffic.policy;
  if (log === 'off') return [];
  // What the defaults log to would get the same lines, cut off at 1,024 bytes.
  const to = ['no log', `log ${placeOf(target)}`];
  if (log === 'text') return [...to, isHttp(traffic) ? 'option httplog' : 'option tcplog'];
  if (typeof log === 'object') return [...to, `log-format ${inQuotes(log.format)}`];
  return [
    ...to,
    ...(isHttp(traffic) ? ['option dontlognull'] : ['unique-id-format %ts/%rc']),
    `log-format ${json({ ...start(traffic), ...(isHttp(traffic) ? http(traffic) : tcp(target)) })}`,
    `error-log-format ${json({ ...start(traffic), ...broken })}`,
  ];
}

function placeOf({ syslog }: LogTarget): string {
  if (syslog === undefined) return `stdout len ${longestLine} format raw daemon info`;
  if (/\slen\s/.test(syslog)) return `${syslog} daemon info`;
  const [address, ...rest] = syslog.split(/\s+/);
  return [address, `len ${longestLine}`, ...rest, 'daemon info'].join(' ');
}

/** A log format is the user's own: what it says in `%` is meant. */
function inQuotes(format: string): string {
  return /^[^']*$/.test(format) ? `'${format}'` : format.replace(/[\s'"#\\$]/g, '\\$&');
}

function json(fields: Readonly<Record<string, string>>): string {
  const members = Object.entries(fields).map(([name, value]) => `"${name}":${value}`);
  return inQuotes(`{${members.join(',')}}`);
}

const text = (sample: string) => `"%[${sample},json(utf8s)]"`;

/** Who asked, when it ended, and who answered. HAProxy 2.6 has no converter for parts of a second: it is cut out. */
const start = ({ service }: Traffic) => ({
  time: '"%[date,utime(%Y-%m-%dT%H:%M:%S)].%[date(0,ms),field(1,x),bytes(10,3)]Z"',
  service: JSON.stringify(service),
  client: '"%ci"',
  client_port: '"%cp"',
});

const http = ({ policy: { routes = [] } }: Traffic) => ({
  method: text('capture.req.method'),
  path: text('var(txn.synapse_path)'),
  status: '%ST',
  route: routes.length > 0 ? text('var(txn.synapse_route)') : JSON.stringify(rest),
  member: '"%s"',
  address: '"%si:%sp"',
  queue_ms: '%Tw',
  connect_ms: '%Tc',
  response_ms: '%Tr',
  total_ms: '%Ta',
  retries: '%[var(txn.synapse_tries,0),field(1,x)]',
  request_id: text('var(txn.synapse_id)'),
  trace_id: text('var(txn.synapse_trace)'),
  bytes_in: '%U',
  bytes_out: '%B',
  termination: '"%ts"',
  reason: '"%[var(txn.synapse_reason,client_left)]"',
});

/** What a connection ended with is known to samples by the id alone, which HAProxy makes when it logs. */
const tcp = ({ files: { map } }: LogTarget) => ({
  member: '"%s"',
  address: '"%si:%sp"',
  queue_ms: '%Tw',
  connect_ms: '%Tc',
  total_ms: '%Tt',
  retries: '%[unique-id,field(2,/),regsub([^0-9],)]',
  bytes_in: '%U',
  bytes_out: '%B',
  termination: '"%ts"',
  reason: `"%[unique-id,field(1,/),map_str(${map},other)]"`,
});

/** Of what was no request there is nothing else; the status is 400, or 408 where it was not whole in time. */
const broken = { status: '%ST', total_ms: '%Tt', termination: '"%ts"', reason: '"bad_request"' };

const textVar = (name: string, sample: string, most: number, condition = '') =>
  `http-request set-var(txn.${name}) ${sample},bytes(0,${most})${condition}`;

/**
 * Rules that note what the log says and is not there any more when it is written. Samples know neither how
 * often HAProxy tried nor why a request ended, so that this is noted when the answer's head is sent: of what broke off
 * after that only the two letters of `termination` tell.
 */
export function logRules({ policy }: Traffic): readonly string[] {
  if (policy.access_log !== 'json') return [];
  const reason = (word: string, status: string, also = '') =>
    `http-after-response set-var(txn.synapse_reason) str(${word}) if { ${status} } ${also} !{ var(txn.synapse_reason) -m found }`;
  return [
    textVar('synapse_path', 'pathq', 2048),
    textVar('synapse_id', 'req.fhdr(x-request-id)', 128),
    textVar('synapse_trace', 'req.fhdr(x-b3-traceid)', 64),
    textVar(
      'synapse_trace',
      'req.fhdr(traceparent),field(2,-)',
      64,
      ' if { req.fhdr(traceparent) -m found }',
    ),
    'http-response set-var(txn.synapse_reason) str(answered)',
    'http-after-response set-var-fmt(txn.synapse_tries) %rc',
    // A `+` before it says that the last try was at another server.
    'http-after-response set-var(txn.synapse_tries) var(txn.synapse_tries),regsub([^0-9],)',
    // A request that never was in a queue found no member that was up.
    'http-after-response set-var-fmt(txn.synapse_queued) %Tw if { status 503 }',
    reason('no_member_up', 'status 503', '{ var(txn.synapse_queued) -m str -- -1 }'),
    reason('waited_too_long', 'status 503', '!{ srv_id -m found }'),
    reason('member_refused', 'status 503'),
    reason('member_too_slow', 'status 504'),
    reason('member_broke_off', 'status 502'),
    reason('client_too_slow', 'status 408'),
    reason('proxy_failed', 'status 500'),
    // What is no request has a format of its own: this one was, until its client left.
    reason('client_left', 'status 400'),
    reason('refused', 'status 400:599'),
    reason('answered', 'status 100:399'),
  ];
}
