import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

import { UserError } from '@smartstack/daemon';

/** One entry of a list of hosts: a name or an address, and a port. */
export interface Host {
  readonly name: string;
  readonly port: number;
}

/** One place to connect to; `name` is what a certificate there must carry. */
export interface Address extends Host {
  readonly ip: string;
}

const defaultPort = 2181;

/** Parses `host`, `host:port`, `[ipv6]`, `[ipv6]:port` and a bare IPv6 address; throws what is wrong with it. */
export function parseHost(text: string): Host {
  if (isIP(text) === 6) return { name: text, port: defaultPort };
  const [, bracketed, plain, digits] =
    /^(?:\[([^\]]+)\]|([^:/,\s[\]]+))(?::(\d+))?$/.exec(text) ?? [];
  const name = bracketed ?? plain;
  const port = digits === undefined ? defaultPort : Number(digits);
  if (name === undefined || (bracketed !== undefined && isIP(bracketed) !== 6))
    throw new UserError(`cannot use ZooKeeper host "${text}": expected host:port`);
  if (port < 1 || port > 65_535)
    throw new UserError(`cannot use ZooKeeper host "${text}": a port lies between 1 and 65535`);
  return { name, port };
}

/** A host and port as people write them. */
export function format({ name, port }: Host): string {
  return name.includes(':') ? `[${name}]:${port}` : `${name}:${port}`;
}

/** Every address that a host has right now, in a stable order; asks the resolver anew each time. */
export async function resolve(host: Host): Promise<readonly Address[]> {
  if (isIP(host.name)) return [{ ...host, ip: host.name }];
  const found = await lookup(host.name, { all: true });
  return found
    .map(({ address }) => ({ ...host, ip: address }))
    .sort((one, other) => (one.ip < other.ip ? -1 : 1));
}
