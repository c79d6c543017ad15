import { isRecord } from '@smartstack/daemon';

import type { RegistryRecord } from '../instance/record.ts';
import type { ConsulClient } from './client.ts';
import { createEntryReader } from './entries.ts';

export interface PreparedQuery {
  /** Its name or id. */
  readonly query: string;
  readonly near?: string | undefined;
  readonly datacenter?: string | undefined;
}

/** Asks for what a prepared query finds now. Consul cannot be waited for with these: they are polled. */
export function createPrepared(client: ConsulClient, { query, near, datacenter }: PreparedQuery) {
  const readEntries = createEntryReader();
  const path = `/v1/query/${encodeURIComponent(query)}/execute`;
  return async (signal: AbortSignal): Promise<readonly RegistryRecord[]> => {
    const { body } = await client.get(path, { near, dc: datacenter }, {}, signal);
    if (!isRecord(body) || typeof body.Service !== 'string')
      throw new Error(`cannot read the query ${query}: not what Consul answers`);
    return readEntries(body.Nodes ?? [], body.Service, signal);
  };
}
