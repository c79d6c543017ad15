import { isCallable } from '../grpc/callable.ts';
import type { ResourcesOptions } from '../resources/resources.ts';
import type { EnvoyConfig } from './config.ts';
import { listensAt, ownOf } from './section.ts';

/** How services are made into resources by a section; `resolve` says the address of a host. */
export function resourcesOptions(
  config: EnvoyConfig | undefined,
  resolve: ResourcesOptions['resolve'],
): ResourcesOptions {
  return {
    serves: (service) => {
      const own = ownOf(service);
      return own !== undefined && !own.disabled;
    },
    listensAt: (service) => listensAt(ownOf(service), config),
    callable: isCallable,
    resolve,
    target: { file: config?.access_log },
  };
}
