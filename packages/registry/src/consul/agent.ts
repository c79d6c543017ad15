import { isRecord } from '@smartstack/daemon';

import { HttpError } from '../http/error.ts';
import { instanceFrom, isBadRecord, type NetworkInstance } from '../instance/instance.ts';
import type { ConsulClient } from './client.ts';
import { pathOf, plainQuery } from './query.ts';
import { ownerOf, readRegistration } from './registration.ts';

/** Deregisters; one that the agent does not know is no failure. */
export async function deregister(
  client: ConsulClient,
  id: string,
  signal: AbortSignal,
): Promise<void> {
  try {
    await client.put(
      `/v1/agent/service/deregister/${encodeURIComponent(id)}`,
      {},
      undefined,
      signal,
    );
  } catch (error) {
    if (error instanceof HttpError && isUnknown(error)) return;
    throw error;
  }
}

function isUnknown({ status, body }: HttpError): boolean {
  return status === 404 || (status === 500 && /unknown service/i.test(body.toString()));
}

/** Whether the servers have a service of this id; with an index, once that may have changed. */
export async function isSeen(
  client: ConsulClient,
  { service, id, index, wait }: { service: string; id: string; index: number; wait: number },
  signal: AbortSignal,
): Promise<{ readonly isThere: boolean; readonly index: number }> {
  const params = { filter: `Service.ID == ${JSON.stringify(id)}` };
  const options = { index, wait, mayBeEmpty: true };
  const answer = await client.get(pathOf(plainQuery(service)), params, options, signal);
  return {
    isThere: Array.isArray(answer.body) && answer.body.length > 0,
    index: answer.index,
  };
}

/** A service of the agent's that this nerve or an earlier one of the same name registered. */
export interface OwnService {
  readonly id: string;
  readonly service: string;
  readonly instance: NetworkInstance | undefined;
}

export async function ownServices(
  client: ConsulClient,
  owner: string,
  signal: AbortSignal,
): Promise<readonly OwnService[]> {
  const { body } = await client.get('/v1/agent/services', {}, {}, signal);
  if (!isRecord(body)) throw new Error("cannot read the agent's services: not what Consul answers");
  return Object.values(body).flatMap((one): readonly OwnService[] => {
    if (!isRecord(one) || typeof one.ID !== 'string' || typeof one.Service !== 'string') return [];
    const meta = isRecord(one.Meta) ? (one.Meta as Readonly<Record<string, string>>) : {};
    if (ownerOf(meta) !== owner) return [];
    const [address, port] = [`${one.Address}`, Number(one.Port)];
    const plain = instanceFrom(one.ID, { host: address, port, name: owner });
    const instance =
      readRegistration(one.ID, { meta, address, port }) ?? (isBadRecord(plain) ? undefined : plain);
    return [{ id: one.ID, service: one.Service, instance }];
  });
}
