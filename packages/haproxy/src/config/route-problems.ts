import type { Policy } from '@smartstack/policy';
import type { ConfiguredService, Problem } from '@smartstack/proxy';

import type { HaproxyService } from './config.ts';

/** What HAProxy cannot make of routes in the place where they stand. */
export function routeProblems(
  services: ReadonlyMap<string, ConfiguredService<HaproxyService>>,
): readonly Problem[] {
  return [...services].flatMap(([name, { own, policy }]) => {
    const routes = policy?.policy.routes ?? [];
    if (!own || own.disabled || routes.length === 0 || !policy) return [];
    const start =
      policy.origins.get('routes') === 'defaults'
        ? ['defaults', 'policy', 'routes']
        : ['services', name, 'policy', 'routes'];
    if (own.port === undefined)
      return [
        [
          start,
          `need a port of services.${name}: only a frontend chooses among routes, and requests that other services' routes send here do not pass it`,
        ],
      ];
    const isPoliced = (target: string) => services.get(target)?.policy !== undefined;
    return elsewhereProblems(name, routes).flatMap(([index, word, target]): readonly Problem[] =>
      isPoliced(target)
        ? []
        : [
            [
              [...start, index, word],
              `have no effect on members of services.${target}, which has no policy: give it one, if only \`policy: {}\``,
            ],
          ],
    );
  });
}

interface Where {
  readonly service?: string | undefined;
}

/** Words of backends in routes that lead to other services. */
function elsewhereProblems(name: string, routes: NonNullable<Policy['routes']>) {
  return routes.flatMap((route, index) => {
    const targets = new Set((route.to ?? []).map(({ service = name }: Where) => service));
    targets.delete(name);
    const given = (['timeouts', 'retries'] as const).filter((word) => route[word] !== undefined);
    return given.flatMap((word) => [...targets].map((target) => [index, word, target] as const));
  });
}
