import { isRecord } from '@smartstack/daemon';
import { endOf, textSince } from '@smartstack/proxy';

/** When and why Envoy ejected a member. */
export interface EjectionEvent {
  readonly since: number;
  readonly why: string;
}

/** What Envoy wrote of the members that it ejects, and takes back. */
export interface Ejections {
  /** Reads what was written since it read last. Never rejects: without it, it is not known since when and why. */
  read(): Promise<void>;
  of(cluster: string, address: string): EjectionEvent | undefined;
}

/** How much of a file that is already there is read, in bytes. */
const most = 1_000_000;

export function createEjections(path: string | undefined): Ejections {
  const events = new Map<string, EjectionEvent>();
  let at: number | undefined;
  let rest = '';

  async function read(): Promise<void> {
    if (path === undefined) return;
    const end = await endOf(path);
    at ??= Math.max(0, end - most);
    // It was emptied meanwhile.
    if (end < at) at = 0;
    while (at < end) {
      const text = await textSince(path, at);
      if (text === '') return;
      at += Buffer.byteLength(text);
      const lines = (rest + text).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) note(events, line);
    }
  }

  return { read, of: (cluster, address) => events.get(`${cluster} ${address}`) };
}

function note(events: Map<string, EjectionEvent>, line: string): void {
  const event = parsed(line);
  if (!event) return;
  const key = `${event.cluster_name} ${event.upstream_url}`;
  if (event.action === 'UNEJECT') events.delete(key);
  else if (event.enforced === true)
    events.set(key, {
      since: Date.parse(String(event.timestamp)),
      why: reasons[String(event.type)] ?? String(event.type),
    });
}

const reasons: Readonly<Record<string, string>> = {
  CONSECUTIVE_5XX: 'too many errors in a row',
  CONSECUTIVE_GATEWAY_FAILURE: 'too many gateway errors in a row',
  CONSECUTIVE_LOCAL_ORIGIN_FAILURE: 'too many failed connections in a row',
};

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const event: unknown = JSON.parse(line);
    return isRecord(event) ? event : undefined;
  } catch {
    return undefined;
  }
}
