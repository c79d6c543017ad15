import {
  decodeInstance,
  encodeInstance,
  type Instance,
  isBadRecord,
  type NetworkInstance,
} from '../instance/instance.ts';
import type { ConsulRecord } from './entries.ts';

/** How an instance is registered. */
export interface ConsulForm {
  /** How long a registration passes without a word of ours, in milliseconds. */
  readonly ttl: number;
  /** How long one that does not pass any more is kept, in milliseconds; Consul's least is a minute. */
  readonly deregisterAfter: number;
  readonly tags: readonly string[];
}

export const defaultForm: ConsulForm = { ttl: 15_000, deregisterAfter: 600_000, tags: [] };

/** Who registered a service, in its meta data. */
const mark = 'smartstack-nerve';
/** The record, in its meta data: cut into values as long as Consul takes them. */
const part = 'smartstack-record';
const longestValue = 512;
const mostPairs = 64;

/** The service that a path means: Consul's names have no folders. */
export function serviceOf(path: string): string {
  return path.split('/').filter(Boolean).join('-');
}

/** The same for the same machine's instance in each nerve that announces it. */
export function idOf(service: string, { name, host, port }: Instance): string {
  return [service, name, host, port]
    .filter((each) => each !== undefined)
    .join('-')
    .replaceAll(/[^\w.:-]/g, '_');
}

/** What is sent to the agent. Throws for an instance that Consul cannot hold. */
export function registrationOf(service: string, instance: Instance, form: ConsulForm) {
  const id = idOf(service, instance);
  const weight = Math.min(Math.max(instance.weight ?? 1, 1), 65_535);
  return {
    ID: id,
    Name: service,
    Address: instance.host,
    Port: instance.port,
    Tags: form.tags,
    Meta: metaOf(instance),
    Weights: { Passing: weight, Warning: weight },
    EnableTagOverride: false,
    Check: {
      CheckID: checkOf(id),
      Name: `nerve on ${instance.name ?? instance.host}`,
      Notes: 'passes while nerve says so',
      TTL: `${form.ttl}ms`,
      Status: 'passing',
      DeregisterCriticalServiceAfter: `${form.deregisterAfter}ms`,
    },
  };
}

export function checkOf(id: string): string {
  return `service:${id}`;
}

/** Who registered a service of the agent's, and what; undefined where it was no nerve. */
export function ownerOf(meta: Readonly<Record<string, string>>): string | undefined {
  return Object.hasOwn(meta, mark) ? meta[mark] : undefined;
}

export function isMarkOrRecord(key: string): boolean {
  return key === mark || key.startsWith(part);
}

/** The instance that a nerve wrote; undefined where none did, or where the service stands at another address by now. */
export function readRegistration(
  id: string,
  { meta, address, port }: Pick<ConsulRecord, 'meta' | 'address' | 'port'>,
): NetworkInstance | undefined {
  if (ownerOf(meta) === undefined) return undefined;
  const instance = decodeInstance(id, Buffer.from(recordIn(meta)));
  if (isBadRecord(instance) || instance.host !== address || instance.port !== port)
    return undefined;
  return instance;
}

function recordIn(meta: Readonly<Record<string, string>>): string {
  const parts: string[] = [];
  for (let index = 0; Object.hasOwn(meta, `${part}-${index}`); index += 1)
    parts.push(meta[`${part}-${index}`] ?? '');
  return parts.join('');
}

/** The record whole, and the labels for those who know nothing of it, as far as Consul takes them. */
function metaOf(instance: Instance): Readonly<Record<string, string>> {
  const record = asciiOf(encodeInstance(instance).toString());
  const count = Math.ceil(record.length / longestValue);
  const parts = Array.from({ length: count }, (_, index) => [
    `${part}-${index}`,
    record.slice(index * longestValue, (index + 1) * longestValue),
  ]);
  const left = mostPairs - 1 - count;
  if (left < 0) throw new Error(`cannot announce in Consul: more than ${mostPairs} values of meta`);
  const labels = Object.entries(instance.labels ?? {})
    .filter(isMeta)
    .slice(0, left);
  return Object.fromEntries([...labels, ...parts, [mark, instance.name ?? '']]);
}

function isMeta([key, value]: readonly [string, string]): boolean {
  return (
    /^[\w-]{1,128}$/.test(key) &&
    !key.startsWith('consul-') &&
    !isMarkOrRecord(key) &&
    Buffer.byteLength(value) <= longestValue
  );
}

/** The same JSON in characters that are a byte each: Consul counts bytes. */
function asciiOf(json: string): string {
  return json.replaceAll(
    /[^\x20-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
