import type { Problem } from '@smartstack/proxy';

import { allProxies, sectionOf } from '../proxies.ts';
import type { SynapseConfig } from './schema.ts';

/** Services that apps could not be led to, since an earlier one has their address and port, by whichever proxy. */
export function portProblems(config: SynapseConfig): readonly Problem[] {
  const taken = new Map<number, Taken[]>();
  return Object.entries(config.services).flatMap(([name, service]) =>
    allProxies.flatMap(({ name: proxy, config: kind }): readonly Problem[] => {
      const at = kind.listensAt(sectionOf(service, proxy), sectionOf(config, proxy));
      if (!at) return [];
      const others = taken.get(at.port) ?? [];
      taken.set(at.port, [...others, { name, proxy, address: at.address }]);
      const other = others.find((each) => overlap(each.address, at.address));
      if (!other) return [];
      const by = other.proxy === proxy ? '' : `, in ${other.proxy}`;
      const place = service.port === undefined ? [proxy, 'port'] : ['port'];
      return [
        [
          ['services', name, ...place],
          `${at.port} on ${at.address} is taken by services.${other.name}${by}`,
        ],
      ];
    }),
  );
}

interface Taken {
  readonly name: string;
  readonly proxy: string;
  readonly address: string;
}

function overlap(a: string, b: string): boolean {
  const [first, second] = [normal(a), normal(b)];
  return first === second || first === '*' || second === '*';
}

function normal(address: string): string {
  if (['*', '0.0.0.0', '::', ''].includes(address)) return '*';
  return address === 'localhost' ? '127.0.0.1' : address;
}
