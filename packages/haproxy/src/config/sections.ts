import { formatPath } from '@smartstack/daemon';
import type { ProxyConfig } from '@smartstack/proxy';
import { gaps } from '../policy/gaps.ts';
import { programVersion } from '../process/machine.ts';
import { sectionWarnings } from './advice.ts';
import type { HaproxyConfig, HaproxyService } from './config.ts';
import { explain, explainService } from './explain.ts';
import { isForeign, keys } from './keys.ts';
import { listensAt, protocolOf, withAddress } from './neutral.ts';
import { problems } from './problems.ts';
import { registryKeys } from './registry-keys.ts';
import { removedLineWarnings } from './removed/warnings.ts';
import { isOff } from './section.ts';

/** HAProxy's sections in synapse's files, and in the registry. */
export const config: ProxyConfig<HaproxyConfig, HaproxyService> = {
  keys,
  example: { haproxy: { listen: ['mode http'] } },
  isForeign,
  isOff,
  problems,
  warnings: (top, source) => [
    ...sectionWarnings(top).map(
      ([below, message]) =>
        `${source.locate(['haproxy', ...below])}: haproxy.${formatPath(below)}: ${message}`,
    ),
    ...removedLineWarnings(source),
  ],
  takePort: ({ server_port_override: port, ...own }) => ({ port, own }),
  isDisabled: ({ disabled }) => disabled,
  gaps,
  queryReading: 'every',
  versionOf: programVersion,
  withAddress,
  protocolOf,
  listensAt,
  withoutAddress: ({ port: _, ...own }) => ({
    ...own,
    backend_name: undefined,
    shared_frontend: undefined,
  }),
  registry: registryKeys,
  explain,
  explainService,
};
