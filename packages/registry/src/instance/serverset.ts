import { z } from 'zod';

import {
  type BadRecord,
  decodeInstance,
  encodeInstance,
  type Instance,
  instanceFrom,
  isBadRecord,
} from './instance.ts';
import type { RecordDecoder } from './record.ts';

/**
 * A decoder of Finagle's and Aurora's server sets: `{serviceEndpoint: {host, port}, additionalEndpoints:
 * {name: {host, port}}, status, shard}`. With `endpointName` the additional endpoint of that name is used. The
 * shard is the instance's name, where the record has none of nerve's own fields (`name`, `weight`, `labels` …). A
 * member that is not alive, or lacks that endpoint, is no fault.
 */
export function serversetDecoder(endpointName?: string): RecordDecoder {
  return (id, data) => {
    const bad = (reason: string): BadRecord => ({ id, reason });
    const usual = (reason: string): BadRecord => ({ id, reason, isUsual: true });
    if (id.startsWith('vector_')) return usual('weights of members, not a member');
    const parsed = member.safeParse(parse(data));
    if (!parsed.success) return bad('no server set member');
    const { serviceEndpoint, additionalEndpoints, status, shard, ...own } = parsed.data;
    if (status !== undefined && status !== 'ALIVE') return usual(`not alive: ${status}`);
    const endpoint =
      endpointName === undefined ? serviceEndpoint : entryOf(additionalEndpoints, endpointName);
    if (!endpoint) {
      const reason = `no endpoint ${endpointName ?? 'serviceEndpoint'}`;
      return endpointName === undefined ? bad(reason) : usual(reason);
    }
    if (endpoint.port === 0) return usual('no port');
    const record = { ...own, name: own.name ?? shard, ...endpoint };
    return instanceFrom(id, record);
  };
}

/** Where an instance stands in a server set. */
export interface ServersetForm {
  /** The additional endpoint that has its address too. */
  readonly endpointName?: string | undefined;
  readonly shard?: number | undefined;
}

/**
 * An instance's record as a live member of a server set: its address is the service endpoint. What others do not
 * know is there in nerve's own fields, which they ignore: who announced it, weight, labels.
 */
export function encodeServerset(
  instance: Instance,
  { endpointName, shard }: ServersetForm,
): Buffer {
  const { host, port, ...own } = JSON.parse(encodeInstance(instance).toString());
  const endpoint = { host, port };
  return Buffer.from(
    JSON.stringify({
      serviceEndpoint: endpoint,
      additionalEndpoints: endpointName === undefined ? {} : { [endpointName]: endpoint },
      status: 'ALIVE',
      shard,
      ...own,
    }),
  );
}

/** Reads what nerve writes, in whichever form: no record can be read as both. */
export const decodeEither: RecordDecoder = (id, data) => {
  const instance = decodeInstance(id, data);
  return isBadRecord(instance) ? serverset(id, data) : instance;
};

const endpoint = z.object({ host: z.unknown(), port: z.unknown() });
const member = z.looseObject({
  serviceEndpoint: endpoint.nullish(),
  additionalEndpoints: z.record(z.string(), endpoint).nullish(),
  status: z
    .string()
    .nullish()
    .transform((status) => status ?? undefined),
  shard: z.union([z.string(), z.number()]).nullish(),
});

function entryOf<T>(
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

const serverset = serversetDecoder();
