/** One server as HAProxy has it (`show servers state`). */
export interface ServerState {
  readonly name: string;
  readonly id: number;
  readonly host: string;
  readonly port: number;
  readonly weight: number;
  /** Stopped, starting, running or stopping by its checks. */
  readonly operational: 'stopped' | 'starting' | 'running' | 'stopping';
  readonly maintenance: boolean;
  readonly drain: boolean;
  /** HAProxy's number for its backend, where HAProxy said it. */
  readonly backendId?: number;
}

const portColumn = 18;
const operational = ['stopped', 'starting', 'running', 'stopping'] as const;

/**
 * Parses `show servers state [backend]`, format 1, into servers by backend; a backend without servers
 * is missing.
 */
export function parseServersState(text: string): ReadonlyMap<string, readonly ServerState[]> {
  const [version, ...rows] = text.split('\n');
  if (version?.trim() !== '1') throw new Error(`unexpected servers state: ${text.slice(0, 80)}`);
  const backends = new Map<string, ServerState[]>();
  for (const row of rows) {
    if (row === '' || row.startsWith('#')) continue;
    const fields = row.split(' ', portColumn + 1);
    const [, backend = ''] = fields;
    const servers = backends.get(backend);
    if (servers) servers.push(serverOf(fields));
    else backends.set(backend, [serverOf(fields)]);
  }
  return backends;
}

/**
 * Bits of the administrative state from https://docs.haproxy.org/2.6/management.html: maintenance forced,
 * inherited or by resolution; drain forced or inherited.
 */
function serverOf(fields: readonly string[]): ServerState {
  const [backendId, , id, name = '', host = '', state, admin, weight] = fields;
  const bits = Number(admin);
  return {
    name,
    id: Number(id),
    host,
    port: Number(fields[portColumn]),
    weight: Number(weight),
    operational: operational[Number(state)] ?? 'stopped',
    maintenance: (bits & 0x63) !== 0,
    drain: (bits & 0x18) !== 0,
    backendId: Number(backendId),
  };
}

/** The fields of `show info`. */
export function parseInfo(text: string): ReadonlyMap<string, string> {
  const fields = text.split('\n').map((line) => line.split(': ', 2) as [string, string?]);
  return new Map(fields.map(([key, value = '']) => [key, value]));
}

export interface Processes {
  readonly master: number;
  readonly reloads: number;
  readonly failed: number;
  readonly version: string;
  /** Pids of the workers that serve, newest first. */
  readonly workers: readonly number[];
  /** Pids of the workers that only finish their connections. */
  readonly oldWorkers: readonly number[];
}

/** Parses the master's `show proc`. */
export function parseProcesses(text: string): Processes {
  let section = 'workers';
  const pids: Record<string, number[]> = { workers: [], 'old workers': [], programs: [] };
  let master: Omit<Processes, 'workers' | 'oldWorkers'> | undefined;
  for (const line of text.split('\n')) {
    const heading = /^# (.+)$/.exec(line)?.[1];
    if (heading !== undefined) section = heading;
    const [, pid, type, rest = ''] = /^(\d+)\s+(master|worker)\s+(.*)$/.exec(line) ?? [];
    if (type === 'worker') pids[section]?.push(Number(pid));
    if (type !== 'master') continue;
    const [, reloads, failed, version = ''] =
      /^(\d+)(?: \[failed: (\d+)\])?\s+\S+\s+(\S*)/.exec(rest) ?? [];
    master = {
      master: Number(pid),
      reloads: Number(reloads),
      failed: Number(failed ?? 0),
      version,
    };
  }
  if (!master) throw new Error(`unexpected list of processes: ${text.slice(0, 80)}`);
  return { ...master, workers: pids.workers ?? [], oldWorkers: pids['old workers'] ?? [] };
}
