export { jsonOf } from './resources/json.ts';
export { clusterName, listenerName } from './resources/names.ts';
export {
  createResources,
  type Leaving,
  type ListenAddress,
  type Made,
  type ResourcesOptions,
} from './resources/resources.ts';
export type { Resource, ResourceSnapshot } from './xds/resource.ts';
