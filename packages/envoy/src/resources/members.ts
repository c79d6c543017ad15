import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { Instance } from '@smartstack/registry';

/** Where a member is reached. */
export type Place = { readonly ip: string; readonly port: number } | { readonly socket: string };

/** A member of a service that Envoy can reach. */
export interface Member {
  readonly instance: Instance;
  /** What it is called in logs and in Envoy's own lists: as its server in HAProxy. */
  readonly name: string;
  readonly place: Place;
  /** The place in one text: no two members of a service have the same. */
  readonly address: string;
}

/** A member that is not served because its host does not resolve. */
export interface Unresolved {
  readonly service: string;
  readonly name: string;
  readonly host: string;
  readonly port: number;
}

export type Resolve = (host: string) => string | undefined;

/** The member that an instance is; undefined where its host does not resolve. */
export function memberOf(instance: Instance, resolve: Resolve): Member | undefined {
  const { host, port } = instance;
  const ip = typeof port === 'number' && isIP(host) === 0 ? resolve(host) : host;
  if (ip === undefined) return undefined;
  const known = members.get(instance);
  if (known && isAt(known.place, ip)) return known;
  const place = typeof port === 'string' ? { socket: port } : { ip, port };
  const member = { instance, name: nameOf(instance), place, address: addressOf(place) };
  members.set(instance, member);
  return member;
}

/** A cache: most members of a list are those of the list before. */
const members = new WeakMap<Instance, Member>();

const isAt = (place: Place, ip: string) => 'socket' in place || place.ip === ip;

function addressOf(place: Place): string {
  if ('socket' in place) return place.socket;
  return isIP(place.ip) === 6 ? `[${place.ip}]:${place.port}` : `${place.ip}:${place.port}`;
}

/** `<name>_<host>:<port>`, or `<host>:<port>` of one without a name. */
export function nameOf({ name = '', host, port }: Instance): string {
  const address = plain(`${host}:${port}`);
  return name === '' ? address : `${plain(name)}_${address}`;
}

/** A name as it is, if every proxy takes it; else cut, with a hash of the whole name. */
function plain(name: string): string {
  if (/^[A-Za-z0-9_.:-]{0,128}$/.test(name)) return name;
  const hash = createHash('sha1').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, 64).replace(/[^A-Za-z0-9_.:-]/g, '-')}.${hash}`;
}
