import { createMetrics, silentLog } from '@smartstack/daemon';
import type { KubernetesAddress, OpenedRegistries } from '@smartstack/registry';
import { expect, test } from 'vitest';

import { kubernetes } from './kubernetes.ts';

/** Which API server a discovery with these keys asks, and for what. */
function askedBy(keys: object, shared?: KubernetesAddress) {
  const asked: object[] = [];
  const follow = (options: object) => {
    asked.push(options);
    return (async function* () {})();
  };
  const registries = {
    openKubernetes: (address: KubernetesAddress) => {
      asked.push(address);
      return { follow };
    },
  } as unknown as OpenedRegistries;
  const config = kubernetes.schema.parse({ method: 'kubernetes', ...keys });
  const deps = { service: 'web', registries, log: silentLog, metrics: createMetrics() };
  kubernetes.create(config, { ...deps, kubernetes: shared })(new AbortController().signal);
  return asked;
}

const section = { kubeconfig: '/etc/kube', namespace: 'shop', watch_timeout: 60_000 };

test('a service is looked for under its own name, on the shared API server', () => {
  expect(askedBy({}, section)).toEqual([
    section,
    expect.objectContaining({ service: 'web', isFallback: true, port: undefined }),
  ]);
});

test('a service has its own keys', () => {
  const keys = { service: 'api', namespace: 'pay', port: 'http', terminating: 'never' };
  expect(askedBy(keys, section)[1]).toMatchObject({
    service: 'api',
    namespace: 'pay',
    port: 'http',
    isFallback: false,
  });
});

test.each([
  ['another context of the shared kubeconfig', { context: 'b' }, { ...section, context: 'b' }],
  ['another kubeconfig', { kubeconfig: '/b' }, { ...section, kubeconfig: '/b' }],
  ['a server', { server: 'https://b' }, { ...section, kubeconfig: undefined, server: 'https://b' }],
])('a service has %s', (_, keys, address) => {
  expect(askedBy(keys, section)[0]).toEqual(address);
});

test.each([
  [{ labels: { a: 'pod' } }, /expected zone, node, hint_zones, hostname, namespace, labels.KEY/],
  [{ namespace: 'Shop' }, /expected a namespace/],
  [{ service: 'web/a' }, /expected the name of a Service/],
  [{ port: 0 }, /port/],
])('%j is refused', (keys, message) => {
  expect(() => kubernetes.schema.parse({ method: 'kubernetes', ...keys })).toThrow(message);
});
