import type { JsonObject } from '@bufbuild/protobuf';
import { isRecord } from '@smartstack/daemon';

import type { Admin } from '../admin/client.ts';
import { type JsonResources, listOf } from './resource-text.ts';

/** The resources that Envoy was told of and serves; members that leave are not among them. Rejects where it does not answer. */
export async function servedResources(admin: Admin, signal: AbortSignal): Promise<JsonResources> {
  return parseDump(JSON.parse(await admin.get('/config_dump?include_eds', signal)));
}

/** The same of an answer to `/config_dump?include_eds`. */
export function parseDump(answer: unknown): JsonResources {
  const sections = listOf(isRecord(answer) ? (answer as JsonObject).configs : undefined);
  const all = (list: string, message: (one: JsonObject) => unknown, name = 'name') =>
    new Map(
      sections
        .flatMap((section) => listOf(section[list]))
        .flatMap((one) => {
          const found = message(one);
          if (!isRecord(found)) return [];
          const { '@type': _, ...json } = found as JsonObject;
          return [[String(json[name]), json] as const];
        }),
    );
  const active = ({ active_state: state }: JsonObject) =>
    isRecord(state) ? (state as JsonObject).listener : undefined;
  const endpoints = all('dynamic_endpoint_configs', (one) => one.endpoint_config, 'cluster_name');
  return {
    cluster: all('dynamic_active_clusters', (one) => one.cluster),
    endpoints: new Map([...endpoints].map(([name, json]) => [name, withoutLeaving(json)])),
    listener: all('dynamic_listeners', active),
    route: all('dynamic_route_configs', (one) => one.route_config),
  };
}

function withoutLeaving(json: JsonObject): JsonObject {
  const localities = listOf(json.endpoints).map((locality) => ({
    ...locality,
    lb_endpoints: listOf(locality.lb_endpoints).filter(
      ({ health_status: health }) => health !== 'DRAINING',
    ),
  }));
  const isLeft = ({ lb_endpoints: left }: JsonObject) => listOf(left).length > 0;
  return { ...json, endpoints: localities.filter(isLeft) };
}
