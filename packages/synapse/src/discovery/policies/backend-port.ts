import type { Discovery } from '../discovery.ts';

/** The discovery with this port for every member, whatever was discovered; untouched without one. */
export function withPort(discovery: Discovery, port: number | undefined): Discovery {
  if (port === undefined) return discovery;
  return async function* (signal) {
    for await (const instances of discovery(signal))
      yield instances.map((instance) => ({ ...instance, port }));
  };
}
