import type { Section } from '../render/layout.ts';
import { startsWith } from '../render/words.ts';

/** An address that a section listens at. */
export interface Bind {
  readonly host: string;
  readonly port: number;
  readonly section: Section;
}

/** The TCP addresses of sections; ranges, sockets, variables and other kinds are left to HAProxy's own check. */
export function bindsOf(sections: readonly Section[]): readonly Bind[] {
  return sections.flatMap((section) => {
    const lines = section.lines.filter((line) => startsWith(line, 'bind'));
    const addresses = lines.flatMap((line) => line.trim().split(/\s+/)[1]?.split(',') ?? []);
    return addresses.flatMap((address) => bindOf(address, section) ?? []);
  });
}

function bindOf(address: string, section: Section): Bind | undefined {
  const [, host, digits] = /^(?:ipv4@|ipv6@)?(.*):(\d+)$/.exec(address) ?? [];
  if (host === undefined || /[@/$"%]/.test(host)) return undefined;
  return { host: host.replace(/^\[(.*)\]$/, '$1'), port: Number(digits), section };
}

/** An address in one spelling, to compare it with others. */
export function placeOf({ host, port }: Bind): string {
  const name = host === '' || host === '*' || host === '0.0.0.0' ? '*' : host.toLowerCase();
  return `${name === 'localhost' ? '127.0.0.1' : name}:${port}`;
}

/** Whether two binds cannot both listen: they are equal, or one is every address with that port. */
export function collide(one: Bind, other: Bind): boolean {
  if (one.port !== other.port || one.port === 0) return false;
  const places = [placeOf(one), placeOf(other)];
  return places[0] === places[1] || places.some((place) => place.startsWith('*:'));
}
