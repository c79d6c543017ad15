import type { HaproxyConfig } from '../config/config.ts';
import { runningLines } from '../config/removed/running.ts';
import { startsWith } from './words.ts';

/** What synapse's own HAProxy needs to know of its surroundings. */
export interface Surroundings {
  /** The stats socket, and where HAProxy's state is kept over a reload; undefined when not synapse's own. */
  readonly socket: string | undefined;
  readonly stateFile: string | undefined;
  readonly maxconn: number | undefined;
  /** The account that its worker changes to; undefined to stay. */
  readonly account: { readonly user: string; readonly group: string } | undefined;
}

/** The variable in HAProxy's environment that says which shape of the file a worker runs. */
export const shapeVariable = 'SYNAPSE_SHAPE';

/** The `global` lines: the user's or sane ones, and what synapse needs that these do not say. */
export function globalLines(config: HaproxyConfig, around: Surroundings): readonly string[] {
  const lines = config.global ?? [];
  const isManaged = around.stateFile !== undefined;
  const own = isManaged ? lines.filter((line) => !startsWith(line, 'daemon')) : lines;
  const needed = [...socketLine(around), ...(isManaged ? managedLines(config, around) : [])];
  const missing = needed.filter(
    ({ unless }) => !own.some((line) => unless.some((keyword) => startsWith(line, keyword))),
  );
  return [...own, ...missing.map(({ line }) => line)];
}

/** A line that is added unless the user's lines have one of these keywords. */
interface Needed {
  readonly line: string;
  readonly unless: readonly string[];
}

function socketLine({ socket }: Surroundings): readonly Needed[] {
  if (socket === undefined) return [];
  return [
    {
      line: `stats socket ${socket} mode 600 level admin expose-fd listeners`,
      unless: [`stats socket ${socket}`, `stats socket unix@${socket}`].map((each) =>
        each.toLowerCase(),
      ),
    },
  ];
}

/** What a HAProxy that synapse runs needs besides. */
function managedLines(config: HaproxyConfig, around: Surroundings): readonly Needed[] {
  const { syslog } = config;
  const needed = (keyword: string, ...words: readonly (string | number)[]): Needed => ({
    line: [keyword, ...words].join(' '),
    unless: [keyword],
  });
  const account = config.global === undefined ? around.account : undefined;
  return [
    needed('hard-stop-after', timeOf(config.hard_stop_after)),
    needed('mworker-max-reloads', config.max_old_workers),
    ...(around.maxconn === undefined ? [] : [needed('maxconn', around.maxconn)]),
    needed('server-state-file', around.stateFile ?? ''),
    ...(syslog === undefined ? [] : [needed(`log ${syslog}`, 'daemon')]),
    ...(account ? [needed('user', account.user), needed('group', account.group)] : []),
  ];
}

/** Milliseconds as HAProxy reads and people like them. */
const timeOf = (milliseconds: number) =>
  milliseconds % 1000 === 0 ? `${milliseconds / 1000}s` : `${Math.round(milliseconds)}ms`;

/** The `defaults` lines: the user's or sane ones. */
export function defaultsLines(config: HaproxyConfig, around: Surroundings): readonly string[] {
  const lines = runningLines(config.defaults ?? saneDefaults(config));
  const keepsState = lines.some((line) => startsWith(line, 'load-server-state-from-file'));
  return around.stateFile === undefined || keepsState
    ? lines
    : [...lines, 'load-server-state-from-file global'];
}

/**
 * For any protocol: a request whose server refuses the connection goes to another one at once, and
 * what is slow to connect is retried.
 */
function saneDefaults({ syslog }: HaproxyConfig): readonly string[] {
  return [
    'mode tcp',
    ...(syslog === undefined ? [] : ['log global', 'option dontlognull']),
    'balance roundrobin',
    'retries 3',
    'option redispatch 1',
    'timeout connect 1s',
    'timeout client 1m',
    'timeout server 1m',
    'timeout queue 5s',
    'timeout tunnel 1h',
    'timeout check 2s',
    'timeout http-request 10s',
    'timeout http-keep-alive 1m',
  ];
}

/**
 * An extra section as it is in the file. The old form `listen name address`, which HAProxy refuses
 * since 1.9, becomes a `bind` line, and lines whose keywords it removed are as they run.
 */
export function extraSection(
  title: string,
  lines: readonly string[],
): { readonly title: string; readonly lines: readonly string[] } {
  const [, name, address] = /^((?:listen|frontend)\s+\S+)\s+(\S*:\d\S*)$/.exec(title) ?? [];
  const isProxy = /^(listen|frontend|backend|defaults)(\s|$)/.test(title);
  const running = isProxy ? runningLines(lines) : lines;
  if (name === undefined) return { title, lines: running };
  return { title: name, lines: [`bind ${address}`, ...running] };
}

/** The page for people and the metrics for Prometheus, where this HAProxy was built with them. */
export function statsLines(address: string, exporter: boolean): readonly string[] {
  return [
    'mode http',
    ...(exporter ? ['http-request use-service prometheus-exporter if { path /metrics }'] : []),
    'stats enable',
    'stats uri /',
    'stats refresh 5s',
    'timeout client 1m',
    `bind ${address}`,
  ];
}
