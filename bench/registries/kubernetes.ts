import { startApiServer } from '../../test/support/kubernetes/api-server.ts';
import { sliceOf } from '../../test/support/kubernetes/slices.ts';
import { freePort } from '../../test/support/ports.ts';
import type { Contestant } from './contestant.ts';

/** The tests' own API server, which its controller writes to; the floor by one plain watch. */
export async function kubernetes(): Promise<Contestant> {
  const server = await startApiServer({ port: await freePort() });
  const slices = (namespace: string) =>
    `${server.url}/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`;
  const sliceAt = (namespace: string, port?: number) =>
    sliceOf({
      namespace,
      service: 'ours',
      ports: [{ name: 'http', port: port ?? 80, protocol: 'TCP' }],
      endpoints: port === undefined ? [] : [{ address: '127.0.0.1', pod: 'bench' }],
    });
  const write = async (namespace: string, port?: number) => {
    const slice = sliceAt(namespace, port);
    const response = await fetch(`${slices(namespace)}/${slice.metadata.name}`, {
      method: 'PATCH',
      headers: { 'content-type': 'application/merge-patch+json' },
      body: JSON.stringify(slice),
    });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    await response.text();
  };
  for (const namespace of ['ours', 'floor']) server.objects.put(sliceAt(namespace));

  let told = () => {};
  const ended = new AbortController();
  const from = server.objects.state.version;
  const watched = await fetch(`${slices('floor')}?watch=true&resourceVersion=${from}`, {
    signal: ended.signal,
  });
  const reading = (async () => {
    for await (const chunk of watched.body ?? []) if (Buffer.from(chunk).includes('bench')) told();
  })().catch(() => undefined);
  return {
    name: 'kubernetes',
    port: server.port,
    config: (port) => ({
      top: { kubernetes: { server: `http://127.0.0.1:${port}`, namespace: 'ours' } },
      discovery: { method: 'kubernetes', service: 'ours', port: 'http' },
    }),
    announce: async ({ port }) => {
      await write('ours', Number(port));
      return { [Symbol.asyncDispose]: () => write('ours') };
    },
    floor: async (record) => {
      const seen = new Promise<void>((resolve) => {
        told = resolve;
      });
      await write('floor', (JSON.parse(record) as { port: number }).port);
      await seen;
      return () => write('floor');
    },
    [Symbol.asyncDispose]: async () => {
      ended.abort();
      await reading;
      await server[Symbol.asyncDispose]();
    },
  };
}
