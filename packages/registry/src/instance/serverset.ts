import { z } from 'zod';

import { type BadRecord, decodeInstance } from './instance.ts';
import type { RecordDecoder } from './record.ts';

/**
 * A decoder of Finagle's and Aurora's server sets: `{serviceEndpoint: {host, port}, additionalEndpoints:
 * {name: {host, port}}, status, shard}`. The shard is the instance's name; with `endpointName` the
 * additional endpoint of that name is used. A member that is not alive, or lacks that endpoint, is no fault.
 */
export function serversetDecoder(endpointName?: string): RecordDecoder {
  return (id, data) => {
    const bad = (reason: string): BadRecord => ({ id, reason });
    const usual = (reason: string): BadRecord => ({ id, reason, isUsual: true });
    if (id.startsWith('vector_')) return usual('weights of members, not a member');
    const parsed = member.safeParse(parse(data));
    if (!parsed.success) return bad('no server set member');
    const { serviceEndpoint, additionalEndpoints, status, shard } = parsed.data;
    if (status !== undefined && status !== 'ALIVE') return usual(`not alive: ${status}`);
    const endpoint =
      endpointName === undefined ? serviceEndpoint : own(additionalEndpoints, endpointName);
    if (!endpoint) {
      const reason = `no endpoint ${endpointName ?? 'serviceEndpoint'}`;
      return endpointName === undefined ? bad(reason) : usual(reason);
    }
    if (endpoint.port === 0) return usual('no port');
    return decodeInstance(id, Buffer.from(JSON.stringify({ ...endpoint, name: shard })));
  };
}

const endpoint = z.object({ host: z.unknown(), port: z.unknown() });
const member = z.object({
  serviceEndpoint: endpoint.nullish(),
  additionalEndpoints: z.record(z.string(), endpoint).nullish(),
  status: z
    .string()
    .nullish()
    .transform((status) => status ?? undefined),
  shard: z.union([z.string(), z.number()]).nullish(),
});

function own<T>(
  record: Readonly<Record<string, T>> | null | undefined,
  key: string,
): T | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}

function parse(data: Buffer): unknown {
  try {
    return JSON.parse(data.toString());
  } catch {
    return undefined;
  }
}
