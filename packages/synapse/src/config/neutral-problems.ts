import type { Problem, ProxyKind } from '@smartstack/proxy';

import { allProxies, sectionOf } from '../proxies.ts';
import { proxyOf, sectionsIn } from './policy.ts';
import type { ServiceConfig, SynapseConfig } from './schema.ts';

/** Keys that a service and the section of a proxy both have, with other values, or that only an unused section has. */
export function neutralProblems(config: SynapseConfig): readonly Problem[] {
  return Object.entries(config.services).flatMap(([name, service]) => {
    const serving = proxyOf(service, config);
    return allProxies
      .filter((proxy) => sectionOf(service, proxy.name) !== undefined)
      .flatMap((proxy) => [
        ...contradictions(name, service, { proxy, config }),
        ...(proxy === serving ? [] : losses(name, service, { proxy, serving, config })),
      ]);
  });
}

interface Looked {
  readonly proxy: ProxyKind;
  readonly config: SynapseConfig;
}

function contradictions(
  name: string,
  service: ServiceConfig,
  { proxy: { name: proxy, config: kind }, config }: Looked,
): readonly Problem[] {
  const own = sectionOf(service, proxy) as Readonly<Record<string, unknown>>;
  const problems = (['port', 'bind_address'] as const).flatMap((key): readonly Problem[] => {
    const [neutral, raw] = [service[key], own[key]];
    if (neutral === undefined || raw === undefined || neutral === raw) return [];
    return [
      [
        ['services', name, key],
        `is ${neutral} here and ${raw} at services.${name}.${proxy}.${key}; keep one of them`,
      ],
    ];
  });
  const said = kind.protocolOf(own, sectionOf(config, proxy), 'own');
  const isTcp = service.protocol === 'tcp';
  if (service.protocol === undefined || said === undefined || (said === 'tcp') === isTcp)
    return problems;
  const message = `is ${service.protocol}, and the lines of services.${name}.${proxy} say mode ${said}; keep one of them`;
  return [...problems, [['services', name, 'protocol'], message]];
}

/** What would be lost because the section that says it is of a proxy that does not serve the service. */
function losses(
  name: string,
  { port, protocol, ...service }: ServiceConfig,
  { proxy, serving, config }: Looked & { readonly serving: ProxyKind },
): readonly Problem[] {
  const [own, section] = [sectionOf(service, proxy.name), sectionOf(config, proxy.name)];
  const listener = proxy.config.listensAt(own, section);
  const spoken = proxy.config.protocolOf(own, section);
  const place = ['services', name, proxy.name];
  const why = `counts only where ${proxy.name} serves ${name}, and ${serving.name} does`;
  return [
    ...(port === undefined && listener
      ? [
          [
            [...place, 'port'],
            `${why}; write \`port: ${listener.port}\` beside \`proxy\`, for every proxy`,
          ] as const,
        ]
      : []),
    ...(protocol === undefined && spoken === 'http'
      ? [
          [
            place,
            `its mode http ${why}; write \`protocol: http\` beside \`proxy\`, for every proxy`,
          ] as const,
        ]
      : []),
  ];
}

/** Sections that services have of proxies that do not serve them; `written` is the file as it is. */
export function unusedSections(
  { services, ...config }: SynapseConfig,
  written: unknown,
): readonly Problem[] {
  const all = (written as { readonly services?: Readonly<Record<string, object>> }).services ?? {};
  return Object.entries(services).flatMap(([name, service]) => {
    const serving = proxyOf(service, config);
    return sectionsIn(all[name] ?? {})
      .filter((each) => each !== serving.name)
      .map(
        (each): Problem => [
          ['services', name, each],
          `is not used: ${serving.name} serves ${name}`,
        ],
      );
  });
}
