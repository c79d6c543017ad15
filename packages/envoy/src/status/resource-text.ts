import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { isRecord } from '@smartstack/daemon';

import { type ResourceType, resourceTypes } from '../xds/resource.ts';

/** Resources as JSON, by type and name. */
export type JsonResources = Readonly<Record<ResourceType, ReadonlyMap<string, JsonObject>>>;

/** Resources as a text in which equal ones are equal: sorted, and without what is the same as nothing. */
export function resourceText(resources: JsonResources): string {
  const lists = resourceTypes.map((type) => [
    type,
    [...resources[type]]
      .sort(([one], [other]) => (one < other ? -1 : 1))
      .map(([, json]) => (type === 'endpoints' ? plainEndpoints(json) : plain(json))),
  ]);
  return `${JSON.stringify(Object.fromEntries(lists), undefined, 2)}\n`;
}

const first = ['name', 'cluster_name', '@type'];

/** The same value with its keys in order: names first. */
function plain(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(plain);
  if (!isRecord(value)) return value;
  const rank = (key: string) => (first.includes(key) ? first.indexOf(key) : first.length);
  const keys = Object.keys(value).sort(
    (one, other) => rank(one) - rank(other) || (one < other ? -1 : 1),
  );
  return Object.fromEntries(keys.map((key) => [key, plain(value[key] as JsonValue)]));
}

/** Endpoints without what Envoy adds to each in its dump, in an order of their own. */
function plainEndpoints(json: JsonObject): JsonValue {
  const localities = listOf(json.endpoints).map((locality) => ({
    ...locality,
    lb_endpoints: listOf(locality.lb_endpoints)
      .map(plainEndpoint)
      .sort((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1)),
  }));
  return plain({ ...json, endpoints: localities });
}

function plainEndpoint({ endpoint, health_status: health, ...rest }: JsonObject): JsonValue {
  const { health_check_config: _, ...place } = isRecord(endpoint) ? (endpoint as JsonObject) : {};
  const isHealthy = health === undefined || health === 'HEALTHY';
  return plain({ ...rest, endpoint: place, ...(!isHealthy && { health_status: health }) });
}

export const listOf = (value: JsonValue | undefined): readonly JsonObject[] =>
  Array.isArray(value) ? (value.filter(isRecord) as readonly JsonObject[]) : [];
