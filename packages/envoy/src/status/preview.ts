import type { JsonObject } from '@bufbuild/protobuf';
import { createHosts, type Preview, type Snapshot } from '@smartstack/proxy';

import { createAdmin } from '../admin/client.ts';
import type { EnvoyConfig } from '../config/config.ts';
import { resourcesOptions } from '../config/rendering.ts';
import { isAsked, sectionOf, sectionsOf } from '../config/section.ts';
import { adminOf } from '../process/paths.ts';
import { forEnvoy } from '../resources/for-envoy.ts';
import { jsonOf } from '../resources/json.ts';
import { createResources, type Made } from '../resources/resources.ts';
import type { ResourceType } from '../xds/resource.ts';
import { servedResources } from './dump.ts';
import { type JsonResources, resourceText } from './resource-text.ts';

/**
 * Says what synapse would serve, beside what Envoy has; undefined where it would touch no Envoy. Touches nothing.
 * Members that nobody knows are as Envoy has them: unknown is not empty.
 */
export async function preview(
  config: EnvoyConfig | undefined,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<Preview | undefined> {
  const section = sectionOf(config);
  if (!section || (config === undefined && !isAsked(sectionsOf(snapshot)))) return undefined;
  const admin = adminOf(section);
  const made = await make(config, snapshot, signal);
  const before =
    admin && (await servedResources(createAdmin(admin), signal).catch(() => undefined));
  return {
    path: 'envoy',
    text: resourceText(withUnknown(jsonResources(made), made.unknown, before)),
    before: before && resourceText(before),
    commands: [],
    reload: section.managed && !before ? 'envoy does not run' : undefined,
    objections: made.refused,
  };
}

async function make(
  config: EnvoyConfig | undefined,
  snapshot: Snapshot,
  signal: AbortSignal,
): Promise<Made> {
  const hosts = createHosts();
  const render = createResources(resourcesOptions(config, hosts.resolve));
  const made = render(snapshot);
  return (await hosts.learn(signal)) ? render(snapshot) : made;
}

function jsonResources(made: Made): JsonResources {
  const resources = forEnvoy(made.resources);
  const json = (type: ResourceType) =>
    new Map([...resources[type]].map(([name, one]) => [name, jsonOf(one) as JsonObject]));
  return {
    cluster: json('cluster'),
    endpoints: json('endpoints'),
    listener: json('listener'),
    route: json('route'),
  };
}

/** With the endpoints that Envoy has of these services, where it has some. */
function withUnknown(
  resources: JsonResources,
  unknown: readonly string[],
  before: JsonResources | undefined,
): JsonResources {
  const kept = [...(before?.endpoints ?? [])].filter(([cluster]) =>
    unknown.some((service) => cluster === service || cluster.startsWith(`${service}|`)),
  );
  return { ...resources, endpoints: new Map([...resources.endpoints, ...kept]) };
}
