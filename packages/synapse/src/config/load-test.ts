import { allProxies, sectionOf } from '../proxies.ts';
import type { ServiceConfig } from './schema.ts';

/**
 * The services that one configured service stands for: itself, or with `load_test_concurrency` so many
 * copies `<name>_<i>`, of which only the first has an address for apps, since two cannot share one.
 */
export function copiesOf(
  name: string,
  service: ServiceConfig,
): readonly (readonly [name: string, service: ServiceConfig])[] {
  const { load_test_concurrency: count, ...plain } = service;
  if (count === undefined) return [[name, service]];
  return Array.from({ length: count }, (_, i) => [
    `${name}_${i}`,
    i === 0 ? plain : withoutFrontend(plain),
  ]);
}

function withoutFrontend(service: ServiceConfig): ServiceConfig {
  const sections = allProxies.flatMap(({ name, config }) => {
    const own = sectionOf(service, name);
    return own ? [[name, config.withoutAddress(own)] as const] : [];
  });
  return { ...service, ...Object.fromEntries(sections) };
}
