export type { Resource, ResourceSnapshot } from './xds/resource.ts';
