import { createMachine, firstAnswer, shares } from '../../test/support/example.ts';
import { startApiServer } from '../../test/support/kubernetes/api-server.ts';
import { createKubectl, type Kubectl } from '../../test/support/kubernetes/kubectl.ts';
import { sliceOf, type TestEndpoint } from '../../test/support/kubernetes/slices.ts';
import { freePort } from '../../test/support/ports.ts';
import { until } from '../../test/support/until.ts';
import { say } from '../traffic/figures.ts';
import { startPods } from './pods.ts';

const local = await freePort();
const port = await freePort();
const pods = {
  'web-1': { address: '127.0.0.11', zone: 'a', node: 'node-a1' },
  'web-2': { address: '127.0.0.12', zone: 'a', node: 'node-a1' },
  'web-3': { address: '127.0.0.13', zone: 'b', node: 'node-b1' },
};
type Pod = keyof typeof pods;

/** The slice that the Service's controller would write for these pods. */
const slice = (names: readonly Pod[], how: Partial<Record<Pod, Partial<TestEndpoint>>> = {}) =>
  sliceOf({
    ports: [{ name: 'http', port, protocol: 'TCP' }],
    endpoints: names.map((pod) => ({ pod, ...pods[pod], ...how[pod] })),
  });

async function put(kubectl: Kubectl, ...args: Parameters<typeof slice>): Promise<void> {
  const { endpoints } = slice(...args);
  const patch = JSON.stringify({ endpoints });
  await kubectl.run('patch', 'endpointslice', 'web-abcde', '--type=merge', '-p', patch);
}

/** Asks until exactly these pods answer. */
const answeredBy = (...names: readonly Pod[]) =>
  until(
    async () =>
      Object.keys(await shares(local, 10))
        .sort()
        .join() === names.join(),
  );

try {
  await using server = await startApiServer({ port: await freePort() });
  await using _pods = await startPods(pods, port);
  await using machine = await createMachine('kubernetes', {
    3213: local,
    '/etc/smartstack/kubeconfig': 'KUBECONFIG',
  });
  const kubectl = await createKubectl(server, machine.scratch.directory);
  await kubectl.pipe(slice(['web-1', 'web-2', 'web-3']), 'create', '--validate=false', '-f', '-');
  await machine.start('synapse.yaml', { KUBECONFIG: kubectl.kubeconfig });
  await firstAnswer(local);

  await answeredBy('web-1', 'web-2');
  say('20 requests stay in zone a', await shares(local, 20));

  const ending = { ready: false, serving: true, terminating: true };
  await put(kubectl, ['web-1', 'web-2', 'web-3'], { 'web-2': ending });
  await answeredBy('web-1');
  say('20 requests while web-2 ends', await shares(local, 20));

  await put(kubectl, ['web-3']);
  await answeredBy('web-3');
  say('20 requests when zone a has no pod', await shares(local, 20));

  await put(kubectl, ['web-3'], { 'web-3': ending });
  say('20 requests while the last one ends', await shares(local, 20));

  await server.stop();
  say('20 requests without an API server', await shares(local, 20));
  await server.start();
  await put(kubectl, ['web-1', 'web-3']);
  await answeredBy('web-1');
  say('20 requests when it is back, with web-1', await shares(local, 20));
} catch (error) {
  console.error(`the example failed: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
}
