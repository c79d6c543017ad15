import type { JsonValue } from '@bufbuild/protobuf';
import { isRecord } from '@smartstack/daemon';
import type { Directives, Snapshot } from '@smartstack/proxy';

import type { EnvoyConfig } from '../config/config.ts';
import { resourcesOptions } from '../config/rendering.ts';
import { isOff, ownOf } from '../config/section.ts';
import { jsonOf } from '../resources/json.ts';
import { createResources } from '../resources/resources.ts';
import type { Resource } from '../xds/resource.ts';
import { yamlLines } from './yaml.ts';

/** In the order of a request's way. */
const titles = [
  ['listener', 'listener'],
  ['route', 'route configuration'],
  ['cluster', 'cluster'],
] as const;

/** Envoy's resources that are made of one service, as YAML without members. */
export function directives(
  service: string,
  config: EnvoyConfig | undefined,
  snapshot: Snapshot,
): readonly Directives[] {
  const served = snapshot.get(service);
  const own = served && ownOf(served);
  if (isOff(config) || !own || own.disabled) return [];
  const { resources } = createResources(resourcesOptions(config, () => undefined))(snapshot);
  const known = new Map<string, string>();
  return titles.flatMap(([type, title]) =>
    [...resources[type].values()]
      .filter((resource) => resource.service === service)
      .map((resource) => ({
        title: `${title} ${resource.name}`,
        lines: linesOnce(resource, known),
      })),
  );
}

/** The lines of a resource; of one that differs from an earlier one in its name only, which one that is. */
function linesOnce(resource: Resource, known: Map<string, string>): readonly string[] {
  const json = jsonOf(resource);
  const lines = yamlLines(typeFirst(json));
  const print = JSON.stringify({ ...(isRecord(json) && json), name: undefined });
  const same = known.get(print);
  if (same !== undefined) return [`as ${resource.type} ${same}`];
  known.set(print, resource.name);
  return lines;
}

/** The same value, in which what a message is stands before what is in it. */
function typeFirst(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(typeFirst);
  if (typeof value !== 'object' || value === null) return value;
  const { '@type': type, ...rest } = value;
  const entries = Object.entries(rest).map(([key, each]) => [key, typeFirst(each)]);
  return { ...(type !== undefined && { '@type': type }), ...Object.fromEntries(entries) };
}
