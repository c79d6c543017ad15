import { isIP } from 'node:net';
import { z } from 'zod';

import {
  type Field,
  plainHost,
  readLabels,
  readName,
  readServerId,
  readServerOptions,
  readWeight,
} from './fields.ts';

/**
 * One copy of a service, as nerve announces it and synapse follows it. The wire format is Airbnb's
 * nerve 0.9: JSON `{host, port, name?, weight?, haproxy_server_options?, labels?}`.
 */
export interface Instance {
  /** An address or a name; `unix` where the port is a socket's path. */
  readonly host: string;
  /** 1 to 65535; or, of a configured server only, the path of a UNIX socket. */
  readonly port: number | `/${string}`;
  /** Who announced it (nerve's `instance_id`). */
  readonly name?: string;
  /** A whole number from 0; what it means is the proxy's. */
  readonly weight?: number;
  readonly labels?: Readonly<Record<string, string>>;
  /** Raw words of a proxy's server line. They come from the registry: never trust them. */
  readonly haproxyServerOptions?: string;
  /** The id that its server should have in the proxy, from 1 to 2147483647. */
  readonly haproxyServerId?: number;
  /**
   * Its part of the traffic beside the other members', from 0 to 256, where synapse itself works that out. It is in
   * no record, and counts in place of every other weight.
   */
  readonly trafficWeight?: number;
  /** The record's name in the registry, such as `web-1_0000000042`; absent for configured servers. */
  readonly id?: string;
}

/** An instance that is reached over the network, as every announced one is. */
export interface NetworkInstance extends Instance {
  readonly port: number;
}

/** A record that could not be read as an instance, and why. */
export interface BadRecord {
  readonly id: string;
  readonly reason: string;
  /** Whether such records are normal in a registry: it is no member, and no fault. */
  readonly isUsual?: true;
}

/** No record is longer, in bytes. */
export const longestRecord = 65_536;

/** Identity of an instance among its service's: backends are unique by host, port and name. */
export function keyOf(instance: Instance): string {
  const known = keys.get(instance);
  if (known !== undefined) return known;
  const { host, port, name = '' } = instance;
  // No host has a space; a name may end as a host begins.
  const key = `${host}:${port} ${name}`;
  keys.set(instance, key);
  return key;
}

/** A cache: most members of a list are those of the list before. */
const keys = new WeakMap<Instance, string>();

/** An instance's record in the registry; the order of keys is that of Airbnb's nerve. */
export function encodeInstance(instance: Instance): Buffer {
  const { host, port, name, weight, haproxyServerOptions, labels } = instance;
  return Buffer.from(
    JSON.stringify({
      host,
      port,
      name,
      weight,
      haproxy_server_options: haproxyServerOptions,
      labels,
    }),
  );
}

/**
 * Parses a registry record, which is untrusted, into exact types; never throws. Host and port make
 * a member: an odd optional field is corrected or ignored (see `oddFieldsOf`).
 */
export function decodeInstance(id: string, data: Buffer): NetworkInstance | BadRecord {
  if (data.length > longestRecord)
    return { id, reason: `longer than ${longestRecord} bytes (${data.length})` };
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(data));
  } catch {
    return { id, reason: data.length === 0 ? 'empty' : 'not JSON' };
  }
  const parsed = address.safeParse(json);
  return parsed.success
    ? withFields({ ...parsed.data, id }, json as Readonly<Record<string, unknown>>)
    : { id, reason: reasonOf(parsed.error, json) };
}

/** The instance of a record that was written in another form, by the rules of nerve's own; never throws. */
export function instanceFrom(id: string, record: object): NetworkInstance | BadRecord {
  let text: string;
  try {
    text = JSON.stringify(record);
  } catch {
    return { id, reason: 'nested too deeply' };
  }
  return decodeInstance(id, Buffer.from(text));
}

/** What was odd about the optional fields of an instance that was decoded, and what was made of it. */
export function oddFieldsOf(instance: Instance): readonly string[] {
  return oddFields.get(instance) ?? [];
}

/** Notes what was odd about an instance that another one was made of. */
export function noteOddFields(instance: Instance, odd: readonly string[]): void {
  if (odd.length > 0) oddFields.set(instance, odd);
}

const oddFields = new WeakMap<Instance, readonly string[]>();

function withFields(
  { id, ...address }: Pick<NetworkInstance, 'host' | 'port'> & { readonly id: string },
  json: Readonly<Record<string, unknown>>,
): NetworkInstance {
  const name = fieldOf(json, 'name', readName);
  const weight = fieldOf(json, 'weight', readWeight);
  const labels = fieldOf(json, 'labels', readLabels);
  const options = fieldOf(json, 'haproxy_server_options', readServerOptions);
  const serverId = fieldOf(json, 'haproxy_server_id', readServerId);
  const instance = {
    ...address,
    ...(name.value !== undefined && { name: name.value }),
    ...(weight.value !== undefined && { weight: weight.value }),
    ...(labels.value !== undefined && { labels: labels.value }),
    ...(options.value !== undefined && { haproxyServerOptions: options.value }),
    ...(serverId.value !== undefined && { haproxyServerId: serverId.value }),
    id,
  };
  const odd = [name, weight, labels, options, serverId].flatMap((each) => each.odd ?? []);
  noteOddFields(instance, odd);
  return instance;
}

/** Null stands for absent, as Ruby's JSON wrote it. */
function fieldOf<T>(
  json: Readonly<Record<string, unknown>>,
  key: string,
  read: (written: unknown) => Field<T>,
): Field<T> {
  return Object.hasOwn(json, key) && json[key] !== null ? read(json[key]) : {};
}

export function isBadRecord(value: Instance | BadRecord): value is BadRecord {
  return 'reason' in value;
}

/** Whether a text is an IPv4 or IPv6 address or a host name (RFC 1123, underscores allowed), and nothing else. */
export function isHost(text: string): boolean {
  if (isIP(text) !== 0) return !text.includes('%');
  return text.length <= 253 && text.split('.').every((label) => hostLabel.test(label));
}

const hostLabel = /^[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?$/;
const utf8 = new TextDecoder('utf-8', { fatal: true });

const port = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,5}$/)
      .transform(Number),
  ])
  .pipe(z.int().min(1).max(65_535));

const address = z.object({ host: z.string().transform(plainHost).refine(isHost), port });

/** A host in a configuration: a name or an address, also as `[v6]` or with a last dot, which are left out. */
export const hostSchema = z
  .string()
  .transform(plainHost)
  .refine(isHost, { error: 'expected a host name or an IP address' })
  .meta({ written: { type: 'string' } });

function reasonOf(error: z.ZodError, json: unknown): string {
  const key = error.issues[0]?.path[0];
  if (key === undefined) return 'not a JSON object';
  return (json as Record<PropertyKey, unknown>)[key] === undefined
    ? `no ${String(key)}`
    : `bad ${String(key)}`;
}
