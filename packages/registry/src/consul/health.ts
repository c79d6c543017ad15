/** A check as Consul lists it with a service. */
export interface ConsulCheck {
  readonly CheckID: string;
  readonly Name?: string | null | undefined;
  readonly Status: string;
  readonly Output?: string | null | undefined;
  readonly Notes?: string | null | undefined;
}

export type ConsulStatus = 'passing' | 'warning' | 'critical' | 'maintenance';

/** Which instances are members, by the worst of their checks. */
export type WantedHealth = 'passing' | 'warning' | 'any';

export interface ConsulHealth {
  readonly status: ConsulStatus;
  /** Consul's own words for it, on one line; empty where all checks pass. */
  readonly why: string;
}

/** What the checks of an instance and of its node say together: the worst of them counts. */
export function healthOf(checks: readonly ConsulCheck[]): ConsulHealth {
  let worst: ConsulHealth = { status: 'passing', why: '' };
  for (const check of checks) {
    const status = statusOf(check);
    if (order.indexOf(status) > order.indexOf(worst.status))
      worst = { status, why: reasonOf(check, status) };
  }
  return worst;
}

/** Whether an instance of that health is a member. Maintenance is an operator's word, and always counts. */
export function isWanted(status: ConsulStatus, wanted: WantedHealth): boolean {
  if (status === 'maintenance') return false;
  return wanted === 'any' || status === 'passing' || status === wanted;
}

const order: readonly ConsulStatus[] = ['passing', 'warning', 'critical', 'maintenance'];

function statusOf({ CheckID: id, Status: status }: ConsulCheck): ConsulStatus {
  if (id === '_node_maintenance' || id.startsWith('_service_maintenance')) return 'maintenance';
  return status === 'passing' || status === 'warning' ? status : 'critical';
}

function reasonOf(
  { CheckID: id, Name: name, Output: output, Notes: notes }: ConsulCheck,
  status: ConsulStatus,
): string {
  if (status === 'maintenance') return [status, firstLine(notes)].filter(Boolean).join(': ');
  const said = firstLine(output);
  return `${status}: check "${firstLine(name || id)}"${said === '' ? '' : `: ${said}`}`;
}

const longest = 200;

function firstLine(text: string | null | undefined): string {
  const [line = ''] = (text ?? '')
    .slice(0, 4 * longest)
    .trim()
    .split(/[\r\n]/, 1);
  const plain = line.replaceAll(/[^\x20-\x7e]+/g, ' ').trim();
  return plain.length > longest ? `${plain.slice(0, longest)}…` : plain;
}
