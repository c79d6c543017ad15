import { isCallable } from '../grpc/callable.ts';
import type { ListenAddress } from '../resources/listen-address.ts';
import type { ResourcesOptions } from '../resources/resources.ts';
import type { EnvoyConfig, EnvoyService } from './config.ts';
import { deviceFor } from './device.ts';
import { listensAt, ownOf } from './section.ts';

/** How services are made into resources by a section; `resolve` says the address of a host. */
export function resourcesOptions(
  config: EnvoyConfig | undefined,
  resolve: ResourcesOptions['resolve'],
): ResourcesOptions {
  /** The same object again for the same section: what did not change is made once. */
  const known = new WeakMap<EnvoyService, ListenAddress | undefined>();
  // Somebody else's Envoy may run where this is not known.
  const isOurs = config?.managed !== false;

  function listenerOf(own: EnvoyService): ListenAddress | undefined {
    const listener = listensAt(own, config);
    return listener && { ...listener, device: isOurs ? deviceFor(listener) : undefined };
  }

  return {
    serves: (service) => {
      const own = ownOf(service);
      return own !== undefined && !own.disabled;
    },
    callable: isCallable,
    listensAt: (service) => {
      const own = ownOf(service);
      if (own && !known.has(own)) known.set(own, listenerOf(own));
      return own && known.get(own);
    },
    resolve,
    target: { file: config?.access_log },
  };
}
