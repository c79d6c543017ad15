import { createHash } from 'node:crypto';
import { join } from 'node:path';

import type { JsonObject } from '@bufbuild/protobuf';

import { jsonOf } from '../resources/json.ts';
import { type Resource, type ResourceType, typeUrls } from '../xds/resource.ts';
import { endpointsFile, endpointsFolder } from './names.ts';

/** Changes whenever one of these does. */
export function versionOf(resources: readonly Resource[]): string {
  const hash = createHash('sha1');
  for (const { name, version } of resources) hash.update(`${name}\0${version}\0`);
  return hash.digest('hex').slice(0, 16);
}

/** The file of one cluster's endpoints (`DiscoveryResponse`). */
export const endpointsText = (endpoints: Resource): string =>
  responseText('endpoints', endpoints.version, [jsonOf(endpoints) as JsonObject]);

/** The file of all clusters, each of which has its endpoints from a file below `directory`. */
export function clustersText(clusters: readonly Resource[], directory: string): string {
  const fromFiles = clusters.map((cluster) => {
    const path = join(directory, endpointsFolder, endpointsFile(cluster.name));
    const source = { path_config_source: { path }, resource_api_version: 'V3' };
    return {
      ...(jsonOf(cluster) as JsonObject),
      eds_cluster_config: { eds_config: source },
    };
  });
  return responseText('cluster', versionOf(clusters), fromFiles);
}

function responseText(type: ResourceType, version: string, resources: readonly JsonObject[]) {
  const response = {
    version_info: version,
    type_url: typeUrls[type],
    resources: resources.map((one) => ({ '@type': typeUrls[type], ...one })),
  };
  return `${JSON.stringify(response, null, 2)}\n`;
}
