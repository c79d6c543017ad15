import type { ListenAddress, Service, Snapshot } from '@smartstack/proxy';

import { type EnvoyConfig, type EnvoyService, envoySchema } from './config.ts';

/** What Envoy is called in files, status and metrics. */
export const name = 'envoy';

/** Whether synapse is to tell nobody: it runs no Envoy, listens at no socket and writes no files. */
export function isOff(section: EnvoyConfig | undefined): boolean {
  if (section === undefined || section.managed) return false;
  const { xds, files } = section;
  return xds.socket === false && xds.address === undefined && files === undefined;
}

/** The section that counts: the one that is written, else all defaults; undefined where Envoy is off. */
export const sectionOf = (section: EnvoyConfig | undefined): EnvoyConfig | undefined =>
  isOff(section) ? undefined : (section ?? envoySchema.parse({}));

/** How Envoy is to serve a service; undefined where it is not to. */
export const ownOf = ({ own }: Pick<Service, 'own'>): EnvoyService | undefined =>
  own?.[name] as EnvoyService | undefined;

/** Whether a service of these asks for an Envoy. */
export function isAsked(sections: Iterable<EnvoyService | undefined>): boolean {
  for (const own of sections) if (own && !own.disabled) return true;
  return false;
}

/** The sections of all services of a snapshot. */
export const sectionsOf = (snapshot: Snapshot): readonly (EnvoyService | undefined)[] =>
  [...snapshot.values()].map(ownOf);

/** Where Envoy listens for apps of a service; undefined where it does not. */
export function listensAt(
  own: EnvoyService | undefined,
  section: EnvoyConfig | undefined,
): ListenAddress | undefined {
  if (own?.port === undefined || own.disabled) return undefined;
  const address = own.bind_address ?? sectionOf(section)?.bind_address ?? '127.0.0.1';
  return { address: address === 'localhost' ? '127.0.0.1' : address, port: own.port };
}
