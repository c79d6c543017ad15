import { createServer } from 'node:net';

/** A TCP address to listen at; a host of `` or `*` is every address. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Why an address cannot be listened at; undefined when it can. Listens there for less than a millisecond. */
export async function probe({ host, port }: Address): Promise<string | undefined> {
  const address = host === '' || host === '*' ? '0.0.0.0' : host;
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      resolve(
        `cannot listen on ${host || '*'}:${port}: ${reasons[error.code ?? ''] ?? error.message}`,
      );
    });
    server.listen({ host: address, port, exclusive: true }, () => {
      server.close(() => resolve(undefined));
    });
  });
}

const reasons: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process has taken it',
  EADDRNOTAVAIL: 'this machine has no such address',
  EACCES: 'not permitted',
  ENOTFOUND: 'the name does not resolve',
};
