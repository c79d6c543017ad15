import { isIP } from 'node:net';
import { z } from 'zod';

/**
 * One copy of a service, as nerve announces it and synapse hears it. The wire format is Airbnb's
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
  /** Raw words of a HAProxy server line. Whoever writes to the registry wrote them: never trust them. */
  readonly haproxyServerOptions?: string;
  /** The id that its HAProxy server should have, from 1 to 2147483647. */
  readonly haproxyServerId?: number;
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
}

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

/** Most members of a list are those of the list before. */
const keys = new WeakMap<Instance, string>();

/** The bytes that stand for an instance in the registry; key order is nerve's own. */
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

/** Parses a registry record, which anyone may have written, into exact types; never throws. */
export function decodeInstance(id: string, data: Buffer): NetworkInstance | BadRecord {
  if (data.length > 65_536) return { id, reason: `longer than 65536 bytes (${data.length})` };
  let json: unknown;
  try {
    json = JSON.parse(utf8.decode(data));
  } catch {
    return { id, reason: data.length === 0 ? 'empty' : 'not JSON' };
  }
  const parsed = record.safeParse(json);
  if (!parsed.success) return { id, reason: reasonOf(parsed.error, json) };
  const { haproxy_server_options: options, haproxy_server_id: serverId, ...rest } = parsed.data;
  const { weight, labels, name, ...address } = rest;
  return {
    ...address,
    ...(name !== undefined && name !== '' && { name }),
    ...(weight !== undefined && { weight }),
    ...(labels !== undefined && { labels }),
    ...(options !== undefined && { haproxyServerOptions: options }),
    ...(serverId !== undefined && { haproxyServerId: serverId }),
    id,
  };
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

/** Null stands for absent, as Ruby's JSON wrote it. */
const optional = <S extends z.ZodType>(schema: S) =>
  schema.nullish().transform((value) => value ?? undefined);

const port = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,5}$/)
      .transform(Number),
  ])
  .pipe(z.int().min(1).max(65_535));

/** Text of digits is taken too, as Ruby took it. */
const serverId = z
  .union([
    z.number(),
    z
      .string()
      .regex(/^\d{1,10}$/)
      .transform(Number),
  ])
  .pipe(z.int().min(1).max(2_147_483_647));

const record = z.object({
  host: z.string().refine(isHost),
  port,
  name: optional(
    z.union([z.string(), z.number().transform(String)]).pipe(
      z
        .string()
        .max(1024)
        .regex(/^[\x21-\x7e]*$/),
    ),
  ),
  weight: optional(z.int().min(0)),
  labels: optional(
    z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]).transform(String)),
  ),
  haproxy_server_options: optional(z.string().max(4096)),
  haproxy_server_id: optional(serverId).catch(undefined),
});

function reasonOf(error: z.ZodError, json: unknown): string {
  const key = error.issues[0]?.path[0];
  if (key === undefined) return 'not a JSON object';
  return (json as Record<PropertyKey, unknown>)[key] === undefined
    ? `no ${String(key)}`
    : `bad ${String(key)}`;
}
