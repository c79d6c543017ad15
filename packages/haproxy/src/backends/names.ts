import { type Subset, subsetText } from '@smartstack/policy';

import { sha1 } from '../render/server.ts';

/** What the members of a level further away are called in HAProxy, as a service and as a backend. */
export const spillName = (name: string, level: number): string =>
  level === 0 ? name : `${name}.spill${level}`;

/** What all members are called that are served where too many are ejected. */
export const panicName = (name: string): string => `${name}.all`;

/** What a subset is called: its labels' values, as far as HAProxy takes them, else a hash of them. */
export function subsetName(name: string, subset: Subset): string {
  const text = subsetText(subset);
  if (text === '') return name;
  const plain = text.replaceAll('=', '-').replaceAll(',', '.');
  return `${name}.${/^[A-Za-z0-9_.:-]{1,64}$/.test(plain) ? plain : sha1(text).slice(0, 12)}`;
}

/** What the members are called that a route tries in a way of its own. */
export const variantName = (name: string, route: string): string => `${name}.route-${route}`;
