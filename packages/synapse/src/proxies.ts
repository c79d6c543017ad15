import { envoy } from '@smartstack/envoy';
import { haproxy } from '@smartstack/haproxy';
import type { ProxyKind } from '@smartstack/proxy';

/** Every proxy that synapse can keep in step, by the name that its sections have in files. */
const proxies = { haproxy, envoy };

type Proxies = typeof proxies;

/** The same as a list, for code that treats all proxies alike. */
export const allProxies: readonly ProxyKind[] = Object.values(proxies);

/** The proxy of a service that names none. */
export const defaultProxy: ProxyKind = proxies.haproxy;

/** The proxies' keys in synapse's files, by their names. */
export type ProxyKeys<Kind extends keyof Proxies[keyof Proxies]['config']['keys']> = {
  readonly [Name in keyof Proxies]: Proxies[Name]['config']['keys'][Kind];
};

/** The keys of one kind of all proxies. */
export function proxyKeys<Kind extends keyof Proxies[keyof Proxies]['config']['keys']>(
  kind: Kind,
): ProxyKeys<Kind> {
  return Object.fromEntries(
    allProxies.map(({ name, config }) => [name, config.keys[kind]]),
  ) as ProxyKeys<Kind>;
}

/** The section of a proxy in what was written, at the top level or of a service. */
export function sectionOf(written: object, proxy: string): unknown {
  return (written as Readonly<Record<string, unknown>>)[proxy];
}

/** Whether a key is the section of some proxy. */
export function isProxy(key: string): boolean {
  return Object.hasOwn(proxies, key);
}
