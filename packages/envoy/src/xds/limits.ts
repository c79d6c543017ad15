/** What one server, and one stream of it, may take. */
export interface Limits {
  /** Bytes of one request; a longer one ends its stream. A list of 20,000 versions is about half of it. */
  readonly requestBytes: number;
  /** Bytes of resources in one response where a response may be a part; gRPC's clients take 4 MiB. */
  readonly responseBytes: number;
  /** Names that one stream may ask for, or say that it has, of one type. */
  readonly names: number;
  /** Streams at a time, over all connections. */
  readonly streams: number;
  /** Connections at a time. */
  readonly connections: number;
  /** Requests that a stream may send at once, and in each second after; one that sends more is read more slowly. */
  readonly requestBurst: number;
  readonly requestsPerSecond: number;
  /** How long a resource waits for what it names to be confirmed, in milliseconds. */
  readonly patience: number;
  /** How long what was removed stays for those that still use it, in milliseconds: a listener that drains. */
  readonly letGo: number;
  /** How long a closing server waits for its streams to end by themselves, in milliseconds. */
  readonly grace: number;
}

export const defaultLimits: Limits = {
  requestBytes: 4 * 1024 * 1024,
  responseBytes: 2 * 1024 * 1024,
  names: 20_000,
  streams: 2_000,
  connections: 2_000,
  requestBurst: 5_000,
  requestsPerSecond: 500,
  patience: 5_000,
  letGo: 30_000,
  grace: 1_000,
};
