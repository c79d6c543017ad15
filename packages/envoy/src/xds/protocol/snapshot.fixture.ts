import { createHash } from 'node:crypto';

import {
  type Resource,
  type ResourceSnapshot,
  type ResourceType,
  resourceTypes,
} from '../resource.ts';

/** What is served of one type: content by name; a name that begins with `~` goes to who asks for it by that name only. */
export type Contents = Readonly<Record<string, string>>;

/** A snapshot of resources whose content is any text. */
export function snapshotOf(
  contents: Partial<Record<ResourceType, Contents>>,
  encode: (type: ResourceType, name: string, content: string) => Uint8Array = (_, name, content) =>
    Buffer.from(`${name}=${content}`),
): ResourceSnapshot {
  const of = (type: ResourceType) =>
    new Map(
      Object.entries(contents[type] ?? {}).map(([name, content]) => [
        name,
        resourceOf(type, name, content, encode(type, name, content)),
      ]),
    );
  return Object.fromEntries(resourceTypes.map((type) => [type, of(type)])) as Record<
    ResourceType,
    Map<string, Resource>
  >;
}

function resourceOf(
  type: ResourceType,
  name: string,
  content: string,
  value: Uint8Array,
): Resource {
  const hash = createHash('sha256').update(value).digest('hex').slice(0, 8);
  return {
    type,
    name,
    value,
    version: `${content}#${hash}`,
    audience: name.startsWith('~') ? 'named' : 'all',
    service: name.replace(/^~/, ''),
  };
}
