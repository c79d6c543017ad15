import { type Subset, subsetText } from '@smartstack/policy';

import { sha1 } from '../render/server.ts';

/** What the members of a level further away are called in HAProxy, as a service and as a backend. */
export const spillName = (name: string, level: number): string =>
  level === 0 ? name : `${name}.spill${level}`;

/** What all members are called that are served where too many are ejected. */
export const panicName = (name: string): string => `${name}.all`;

/**
 * What a subset is called: its labels, such as `version-v2:zone-a`, where HAProxy takes them and nothing else could
 * be called so; else a hash of them.
 */
export function subsetName(name: string, subset: Subset): string {
  const text = subsetText(subset);
  if (text === '') return name;
  const labels = text.split(',').map((label) => label.replace('=', '-'));
  const isPlain = text.split(',').every((label) => /^\w+=[\w.-]+$/.test(label));
  const plain = labels.join(':');
  const isOwn = isPlain && plain.length <= 64 && !ambiguous.test(plain);
  return `${name}.${isOwn ? plain : sha1(text).slice(0, 12)}`;
}

/** What other backends of a service end in. */
const ambiguous = /(^|\.)(all|spill\d+|(route|limit)-.*)(\.|$)/;

/** What the members are called that a route tries in a way of its own. */
export const variantName = (name: string, route: string): string => `${name}.route-${route}`;
