import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { Instance } from '@smartstack/registry';

import type { HaproxyConfig, HaproxyService } from '../config/config.ts';
import { parseOptions, type RefusedOption } from './options.ts';

/** One server of a backend, as it is to be: everything but its id. */
export interface Server {
  /** HAProxy's name for it: `<name>_<host>:<port>` or `<host>:<port>`. */
  readonly name: string;
  /** An IP address, a host name where HAProxy itself resolves it, or `unix@` and a socket's path. */
  readonly host: string;
  /** 0 for a UNIX socket. */
  readonly port: number;
  readonly weight: number | undefined;
  /** Its other words, as they stand in the file. */
  readonly options: string;
  /** An id that the member's record asks for. */
  readonly wantedId?: number;
}

/** What was left out of a member's registry options. */
export interface Refusal {
  readonly server: string;
  readonly options: readonly RefusedOption[];
}

export interface ServerSettings {
  readonly top: HaproxyConfig;
  readonly service: HaproxyService;
  /** The words of each of its servers, in which `%{host}` and the like stand for the member's own; else the section's. */
  readonly words?: string;
  /** Whether the backend persists by cookie: each server needs a value for it. */
  readonly cookies: boolean;
  /** The address to use for a server's host; undefined while it is not known. */
  resolve(host: string, server: string): string | undefined;
  /** What was made with these settings before. */
  readonly made?: WeakMap<Instance, Made>;
}

/** What was made of an instance: the same object again, since most members are as they were. */
export interface Made {
  readonly server: Server;
  readonly refused: readonly RefusedOption[];
}

/** The server of an instance that goes by a name at an address, and which of its own options were refused. */
export function madeOf(
  instance: Instance,
  { name, host }: { readonly name: string; readonly host: string },
  settings: ServerSettings,
): Made {
  const before = settings.made?.get(instance);
  if (before?.server.name === name && before.server.host === host) return before;
  const { words, refused } = parseOptions(
    instance.haproxyServerOptions ?? '',
    settings.top.registry_server_options,
    (word) => filled(word, instance),
  );
  const made = { server: serverOf({ instance, name, host, words }, settings), refused };
  settings.made?.set(instance, made);
  return made;
}

interface Named {
  readonly instance: Instance;
  readonly name: string;
  readonly host: string;
  readonly words: readonly string[];
}

function serverOf({ instance, name, host, words }: Named, settings: ServerSettings): Server {
  const { top, service, cookies } = settings;
  const template = filled(settings.words ?? service.server_options ?? '', instance);
  const cookie = service.cookie_value_method === 'hash' ? sha1(name) : name;
  const nerve = service.use_nerve_weights ?? top.use_nerve_weights;
  const local = take(template, 'weight');
  const remote = take(words.join(' '), 'weight');
  const id = take(remote.rest, 'id');
  const wantedId = number(id.value) ?? instance.haproxyServerId;
  const announced = nerve ? instance.weight : undefined;
  const weight = instance.trafficWeight ?? announced ?? number(remote.value) ?? number(local.value);
  return {
    name,
    host,
    port: typeof instance.port === 'number' ? instance.port : 0,
    weight: weight === undefined ? undefined : Math.min(weight, 256),
    options: [cookies && `cookie ${cookie}`, local.rest, id.rest].filter(Boolean).join(' '),
    ...(wantedId !== undefined && { wantedId }),
  };
}

/** A member without a name goes by its host: an option without its value would spoil the file. */
function filled(template: string, { host, port, name = host }: Instance): string {
  if (!template.includes('%{')) return template;
  return template
    .replaceAll('%{host}', host)
    .replaceAll('%{port}', String(port))
    .replaceAll('%{name}', safeName(name));
}

/** Takes a keyword with its whole number out of a line's words; the last one counts. */
function take(
  text: string,
  keyword: 'weight' | 'id',
): { rest: string; value?: string | undefined } {
  if (!text.includes(keyword)) return { rest: text };
  const pattern = patterns[keyword];
  const value = [...text.matchAll(pattern)].at(-1)?.[1];
  return { rest: text.replace(pattern, '').trim(), value };
}

const patterns = { weight: /(?:^|\s)weight\s+(\d+)(?=\s|$)/g, id: /(?:^|\s)id\s+(\d+)(?=\s|$)/g };

const number = (value: string | undefined) => (value === undefined ? undefined : Number(value));

/** HAProxy's name for an instance's server, of the characters that HAProxy allows. */
export function serverName(instance: Instance): string {
  const known = serverNames.get(instance);
  if (known !== undefined) return known;
  const { name = '', host, port } = instance;
  const plain = `${host}:${port}`;
  const address = typeof port === 'string' ? safeName(plain) : plain;
  const made = name === '' ? address : `${safeName(name)}_${address}`;
  serverNames.set(instance, made);
  return made;
}

const serverNames = new WeakMap<Instance, string>();

/** A name as it is, if HAProxy takes it; else cut, with a hash of the whole name. */
function safeName(name: string): string {
  if (/^[A-Za-z0-9_.:-]{0,128}$/.test(name)) return name;
  return `${name.slice(0, 64).replace(/[^A-Za-z0-9_.:-]/g, '-')}.${sha1(name).slice(0, 8)}`;
}

/** The host of a server, as HAProxy reads it: that of an instance's socket, where it has one. */
export function socketOf({ port }: Instance): string | undefined {
  return typeof port === 'string' ? `${socketPrefix}${port}` : undefined;
}

const socketPrefix = 'unix@';

/** An address as HAProxy reads it: IPv6 in brackets, and a socket without a port. */
export function addressOf({
  host,
  port,
}: {
  readonly host: string;
  readonly port: number;
}): string {
  if (host.startsWith(socketPrefix)) return host;
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}

/** The server's line in the file. */
export function serverLine(server: Server, id: number): string {
  const { name, weight, options } = server;
  const words = [`server ${name} ${addressOf(server)} id ${id}`, options];
  if (weight !== undefined) words.push(`weight ${weight}`);
  return words.filter(Boolean).join(' ');
}

/** For names and cookies, not for secrets. */
export const sha1 = (text: string) => createHash('sha1').update(text).digest('hex');
