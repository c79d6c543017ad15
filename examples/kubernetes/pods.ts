import { once } from 'node:events';
import { createServer } from 'node:http';

/** Servers that answer with the name of their pod, each on the pod's own address. */
export async function startPods(
  pods: Readonly<Record<string, { readonly address: string }>>,
  port: number,
): Promise<AsyncDisposable> {
  const servers = await Promise.all(
    Object.entries(pods).map(async ([name, { address }]) => {
      const server = createServer((_, response) => response.end(`${name}\n`));
      await once(server.listen(port, address), 'listening');
      return server;
    }),
  );
  return {
    [Symbol.asyncDispose]: async () => {
      for (const server of servers) {
        server.closeAllConnections();
        server.close();
      }
    },
  };
}
