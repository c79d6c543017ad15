import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';

import { hasCode } from '@smartstack/daemon';
import type { Instance } from '@smartstack/registry';

import type { SrvRecord } from './message.ts';
import { resolveSrv } from './srv.ts';

/** What a name stands for now, and for how long that may be believed, in milliseconds. */
export interface Answer {
  readonly instances: readonly Instance[];
  readonly ttl: number;
}

export type Lookup = (instance: Instance, signal: AbortSignal) => Promise<Answer>;

const timeout = 2_000;
const tries = 2;

/**
 * Looks up the addresses of an instance's host, IPv4 and IPv6, or the members of a service's name
 * (`_web._tcp.example.com`, RFC 2782). Only DNS is asked, at `nameserver` (`address` or `address:port`)
 * or those of the machine. A name that is not there has no members; rejects when no server answers.
 */
export function createLookup(nameserver?: string): Lookup {
  return async (instance, signal) => {
    if (isIP(instance.host)) return { instances: [instance], ttl: Number.POSITIVE_INFINITY };
    const resolver = new Resolver({ timeout, tries });
    if (nameserver !== undefined) resolver.setServers([nameserver]);
    const cancel = () => resolver.cancel();
    signal.addEventListener('abort', cancel);
    try {
      return serviceName.test(instance.host)
        ? await membersOf(instance, resolver, signal)
        : await addressesOf(instance, resolver);
    } finally {
      signal.removeEventListener('abort', cancel);
    }
  };
}

const serviceName = /^_[^.]+\._(tcp|udp)\./i;

async function addressesOf(instance: Instance, resolver: Resolver): Promise<Answer> {
  const { host } = instance;
  const records = await Promise.all([
    orNone(resolver.resolve4(host, { ttl: true })),
    orNone(resolver.resolve6(host, { ttl: true })),
  ]);
  const found = records.flat();
  return {
    instances: found
      .map(({ address }) => ({ ...instance, host: address }))
      .sort((a, b) => (a.host < b.host ? -1 : 1)),
    ttl: Math.min(...found.map(({ ttl }) => ttl * 1000)),
  };
}

async function membersOf(
  instance: Instance,
  resolver: Resolver,
  signal: AbortSignal,
): Promise<Answer> {
  const records = await resolveSrv(instance.host, resolver.getServers(), signal);
  const answers = await Promise.all(
    rated(records).map(({ name, port, weight, backup }) => {
      const target = { ...instance, name: instance.name ?? name, host: name, port, weight };
      return addressesOf(backup ? { ...target, haproxyServerOptions: 'backup' } : target, resolver);
    }),
  );
  return {
    instances: answers.flatMap(({ instances }) => instances),
    ttl: Math.min(...records.map(({ ttl }) => ttl), ...answers.map(({ ttl }) => ttl)),
  };
}

export interface RatedRecord {
  readonly name: string;
  readonly port: number;
  /** 1 to 256, as proxies take it. */
  readonly weight: number;
  /** Whether another record has a better priority. */
  readonly backup: boolean;
}

/** Records with what a proxy makes of them: the lowest priority serves, the others stand by. */
export function rated(records: readonly SrvRecord[]): readonly RatedRecord[] {
  const best = Math.min(...records.map(({ priority }) => priority));
  const heaviest = Math.max(1, ...records.map(({ weight }) => weight));
  const scale = Math.min(1, 256 / heaviest);
  return records
    .filter(({ name, port }) => name !== '' && port > 0)
    .map(({ name, port, weight, priority }) => ({
      name,
      port,
      weight: Math.max(1, Math.round(weight * scale)),
      backup: priority > best,
    }))
    .sort((a, b) => (a.name < b.name || (a.name === b.name && a.port < b.port) ? -1 : 1));
}

async function orNone<T>(records: Promise<readonly T[]>): Promise<readonly T[]> {
  try {
    return await records;
  } catch (error) {
    if (hasCode(error, 'ENOTFOUND') || hasCode(error, 'ENODATA')) return [];
    throw error;
  }
}
