import type { ListenAddress } from '@smartstack/proxy';

import { startsWith } from '../render/words.ts';
import { type HaproxyConfig, type HaproxyService, haproxyServiceSchema } from './config.ts';
import { sectionOf } from './section.ts';

/** The section with the address that the service's own keys say. */
export function withAddress(
  own: HaproxyService | undefined,
  address: { readonly port?: number | undefined; readonly bind_address?: string | undefined },
): HaproxyService {
  const section = own ?? haproxyServiceSchema.parse({});
  return {
    ...section,
    port: address.port ?? section.port,
    bind_address: address.bind_address ?? section.bind_address,
  };
}

/** Where HAProxy listens for apps of a service; undefined where it does not, or at a whole address. */
export function listensAt(
  own: HaproxyService | undefined,
  config: HaproxyConfig | undefined,
): ListenAddress | undefined {
  if (!own || own.disabled || own.port === undefined || own.port === null) return undefined;
  const address = own.bind_address ?? sectionOf(config)?.bind_address ?? 'localhost';
  return { address, port: own.port };
}

/** The mode that the section's lines say, the last one of them; else that of the `defaults` lines. */
export function protocolOf(
  own: HaproxyService | undefined,
  config: HaproxyConfig | undefined,
  from: 'own' | 'all' = 'all',
): 'http' | 'tcp' | undefined {
  const shared = from === 'all' ? (sectionOf(config)?.defaults ?? []) : [];
  const lines = [...shared, ...linesOf(own)];
  const mode = lines.findLast((line) => startsWith(line, 'mode'));
  if (mode === undefined) return undefined;
  return mode.trim().toLowerCase().endsWith('http') ? 'http' : 'tcp';
}

/** The raw lines of a service, of its frontend and of its backend. */
export function linesOf(own: HaproxyService | undefined): readonly string[] {
  return [...(own?.frontend ?? []), ...(own?.backend ?? []), ...(own?.listen ?? [])];
}
