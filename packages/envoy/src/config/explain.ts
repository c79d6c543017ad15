import type { ListenAddress } from '@smartstack/proxy';

import { type EnvoyConfig, type EnvoyService, isManaged } from './config.ts';
import { isAsked, isOff, listensAt, sectionOf } from './section.ts';

/** What is run, in a sentence. */
export function explain(
  key: EnvoyConfig | undefined,
  services: readonly (EnvoyService | undefined)[],
): string {
  if (isOff(key)) return 'No Envoy is run or told of services: envoy is false.';
  if (!key && !isAsked(services))
    return 'No Envoy is run: there is no envoy section, and no service is served by it.';
  const section = sectionOf(key);
  if (!section || isManaged(section))
    return `synapse runs an Envoy of its own, ${section?.on_exit === 'stop' ? 'which ends with it' : 'which outlives it'}, and tells it of services at ${socketText(section)}.${grpcText(section)}`;
  const parts = [
    ...(section.xds.socket === false ? [] : [`is told of services at ${socketText(section)}`]),
    ...(section.files === undefined ? [] : [`reads files in ${section.files}`]),
  ];
  const told =
    parts.length === 0 ? '' : `Envoy is run by somebody else, and ${parts.join(', and ')}.`;
  return `${told}${grpcText(section)}`.trim();
}

function socketText(section: EnvoyConfig | undefined): string {
  const socket = section?.xds.socket;
  return typeof socket === 'string' ? socket : 'xds.sock in its run directory';
}

function grpcText(section: EnvoyConfig | undefined): string {
  const address = section?.xds.address;
  return address
    ? ` gRPC applications ask at ${placeText({ address: address.host, port: address.port })}.`
    : '';
}

/** How apps reach a service, in a sentence. */
export function explainService(
  own: EnvoyService | undefined,
  key: EnvoyConfig | undefined,
): string {
  if (!own || isOff(key)) return 'is not proxied: apps ask for its members at /v1';
  if (own.disabled) return 'is left out of Envoy (disabled)';
  const listener = listensAt(own, key);
  if (!listener) return 'is a cluster of Envoy without a listener of its own';
  const drain = own.drain_timeout ?? sectionOf(key)?.drain_timeout ?? 10_000;
  return `is reached by apps at ${placeText(listener)} through Envoy; a member that leaves has ${drain / 1000} s to finish`;
}

/** An address as it is written: IPv6 in brackets. */
export function placeText({ address, port }: ListenAddress): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}
