/** The types of resources, in the order in which a proxy has to have them: what names another comes after it. */
export const resourceTypes = ['cluster', 'endpoints', 'listener', 'route'] as const;
export type ResourceType = (typeof resourceTypes)[number];

/** What the types are called in the protocol (https://www.envoyproxy.io/docs/envoy/latest/api-docs/xds_protocol). */
export const typeUrls: Readonly<Record<ResourceType, string>> = {
  cluster: 'type.googleapis.com/envoy.config.cluster.v3.Cluster',
  endpoints: 'type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment',
  listener: 'type.googleapis.com/envoy.config.listener.v3.Listener',
  route: 'type.googleapis.com/envoy.config.route.v3.RouteConfiguration',
};

/** One resource, as it goes over the wire. */
export interface Resource {
  readonly type: ResourceType;
  readonly name: string;
  /** The message, encoded; equal content has equal bytes. */
  readonly value: Uint8Array;
  /** A hash of the message: the same in every run. */
  readonly version: string;
  /** Who gets it: whoever asks for everything of its type, or only who asks for it by its name. */
  readonly audience: 'all' | 'named';
  /** The service that it is made of. */
  readonly service: string;
}

/** Everything that is served at one time, by type and name; never changed once made. */
export type ResourceSnapshot = Readonly<Record<ResourceType, ReadonlyMap<string, Resource>>>;
