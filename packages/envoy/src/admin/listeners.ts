import { isRecord } from '@smartstack/daemon';

import { serviceOfListener } from '../resources/names.ts';
import { type AdminPlace, createAdmin } from './client.ts';

/** The services that an Envoy listens for. Rejects where it does not answer. */
export async function standingAt(
  place: AdminPlace,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  return servicesIn(JSON.parse(await createAdmin(place).get('/listeners?format=json', signal)));
}

/** The same of an answer to `/listeners?format=json`. */
export function servicesIn(answer: unknown): ReadonlySet<string> {
  const statuses = isRecord(answer) ? answer.listener_statuses : undefined;
  const names = Array.isArray(statuses) ? statuses.map((one) => isRecord(one) && one.name) : [];
  return new Set(
    names.flatMap((name) => (typeof name === 'string' ? (serviceOfListener(name) ?? []) : [])),
  );
}
