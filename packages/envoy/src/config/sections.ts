import type { ProxyConfig } from '@smartstack/proxy';

import { gaps } from '../policy/gaps.ts';
import { type EnvoyConfig, type EnvoyService, envoyServiceSchema } from './config.ts';
import { explain, explainService } from './explain.ts';
import { keys } from './keys.ts';
import { problems } from './problems.ts';
import { registryKeys } from './registry-keys.ts';
import { isOff, listensAt } from './section.ts';
import { programVersion } from './version.ts';

/** Envoy's sections in synapse's files, and in the registry. */
export const config: ProxyConfig<EnvoyConfig, EnvoyService> = {
  keys,
  example: { envoy: { drain_timeout: '1m' } },
  isForeign: () => false,
  isOff,
  problems,
  warnings: () => [],
  takePort: (own) => ({ own }),
  isDisabled: ({ disabled }) => disabled,
  gaps,
  queryReading: 'first',
  versionOf: programVersion,
  withAddress: (own, { port, bind_address }) => ({
    ...(own ?? envoyServiceSchema.parse({})),
    ...(port !== undefined && { port }),
    ...(bind_address !== undefined && { bind_address }),
  }),
  protocolOf: () => undefined,
  withoutAddress: ({ port: _, ...own }) => own,
  listensAt,
  registry: registryKeys,
  explain,
  explainService,
};
