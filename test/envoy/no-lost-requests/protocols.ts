/** How the services of these tests are spoken to; each is a service of that name, with members of its own. */
export const protocols = ['http1', 'http2', 'grpc', 'tcp'] as const;

export type ProtocolName = (typeof protocols)[number];

/** The same in a service's `protocol`. */
export const words: Readonly<Record<ProtocolName, string>> = {
  http1: 'http',
  http2: 'http2',
  grpc: 'grpc',
  tcp: 'tcp',
};

/** Something of each protocol. */
export type Each<T> = Readonly<Record<ProtocolName, T>>;

export function each<T>(make: (protocol: ProtocolName) => T): Each<T> {
  return Object.fromEntries(protocols.map((name) => [name, make(name)])) as Each<T>;
}

export async function eachOf<T>(make: (protocol: ProtocolName) => Promise<T>): Promise<Each<T>> {
  const made = await Promise.all(protocols.map(async (name) => [name, await make(name)]));
  return Object.fromEntries(made) as Each<T>;
}

/** What a member answers to the request of a number. */
export const answerOf = (protocol: ProtocolName, member: string, request: number) =>
  `${protocol} ${member} ${request}`;

/** The one method of the gRPC service: bytes both ways. */
export const grpcMethod = '/load.Load/Ask';
