import { rest } from './routes.ts';
import { isHttp, type Traffic } from './traffic.ts';

/**
 * Lines of a frontend's log. `isLogged` says whether HAProxy's log goes to an address that the `global` lines
 * name; else it goes where HAProxy's own output goes.
 */
export function accessLogLines(traffic: Traffic, isLogged: boolean): readonly string[] {
  const { access_log: log = 'off' } = traffic.policy;
  if (log === 'off') return [];
  const to = isLogged ? 'log global' : 'log stdout format raw daemon info';
  if (log === 'text') return [to, isHttp(traffic) ? 'option httplog' : 'option tcplog'];
  if (typeof log === 'object') return [to, `log-format ${inQuotes(log.format)}`];
  const fields = isHttp(traffic)
    ? { ...start(traffic), ...http(traffic), ...phases }
    : { ...start(traffic), ...tcp };
  const text = Object.entries(fields).map(([name, value]) => `"${name}":${value}`);
  return [to, `log-format ${inQuotes(`{${text.join(',')}}`)}`];
}

/** A log format is the user's own: what it says in `%` is meant. */
function inQuotes(format: string): string {
  return /^[^']*$/.test(format) ? `'${format}'` : format.replace(/[\s'"#\\$]/g, '\\$&');
}

const text = (sample: string) => `"%[${sample},json(utf8s)]"`;

/** Who asked for what, when. */
const start = ({ service }: Traffic) => ({
  time: '"%[date,utime(%Y-%m-%dT%H:%M:%SZ)]"',
  service: JSON.stringify(service),
  client: '"%ci:%cp"',
  member: '"%s"',
  address: '"%si:%sp"',
});

const http = ({ policy: { routes = [] } }: Traffic) => ({
  route: routes.length > 0 ? text('var(txn.synapse_route)') : JSON.stringify(rest),
  method: text('capture.req.method'),
  path: text('capture.req.uri'),
  status: '%ST',
  request_id: text('var(txn.synapse_id)'),
  bytes_in: '%U',
  bytes_out: '%B',
});

const phases = {
  request_ms: '%TR',
  queue_ms: '%Tw',
  connect_ms: '%Tc',
  response_ms: '%Tr',
  total_ms: '%Ta',
  retries: '"%rc"',
  termination: '"%ts"',
  reason: text('var(txn.synapse_reason)'),
};

const tcp = {
  bytes_in: '%U',
  bytes_out: '%B',
  queue_ms: '%Tw',
  connect_ms: '%Tc',
  total_ms: '%Tt',
  retries: '"%rc"',
  termination: '"%ts"',
};

/** Rules that note what the log says and is not there any more when it is written. */
export function logRules({ policy }: Traffic): readonly string[] {
  if (policy.access_log !== 'json') return [];
  const reason = (word: string, status: string) =>
    `http-after-response set-var(txn.synapse_reason) str(${word}) if { status ${status} } !{ var(txn.synapse_answered) -m found } !{ var(txn.synapse_reason) -m found }`;
  return [
    'http-request set-var(txn.synapse_id) req.hdr(x-request-id)',
    'http-response set-var(txn.synapse_answered) int(1)',
    reason('no_member_answered', '503'),
    reason('member_too_slow', '504'),
    reason('member_broke_off', '502'),
    reason('request_too_slow', '408'),
    reason('refused', '400:499'),
  ];
}
