import { expect, test } from 'vitest';

import { readSlice } from './slice.ts';
import { createStore } from './store.ts';

const slice = (name: string, service: string | undefined, resourceVersion: string) =>
  readSlice({
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name,
      namespace: 'shop',
      resourceVersion,
      labels: service === undefined ? {} : { 'kubernetes.io/service-name': service },
    },
    addressType: 'IPv4',
  });

test('a list changes the services whose slices came, went or are of another version', () => {
  const store = createStore();
  const [a, b] = [slice('a', 'web', '1'), slice('b', 'api', '2')];
  expect(store.replace([a, b, slice('c', undefined, '3')], false)).toEqual(
    new Set(['shop/web', 'shop/api']),
  );
  expect(store.size).toBe(2);
  expect(store.replace([slice('a', 'web', '1'), slice('b', 'api', '4')], false)).toEqual(
    new Set(['shop/api']),
  );
  expect(store.of('shop/web')[0]).toBe(a);
  expect(store.replace([slice('a', 'db', '5')], false)).toEqual(
    new Set(['shop/web', 'shop/db', 'shop/api']),
  );
});

test('a registry that counts anew has other slices under the same versions', () => {
  const store = createStore();
  store.replace([slice('a', 'web', '1')], false);
  expect(store.replace([slice('a', 'web', '1')], true)).toEqual(new Set(['shop/web']));
});

test('a slice that moves to another service changes both', () => {
  const store = createStore();
  store.put(slice('a', 'web', '1'));
  expect(store.put(slice('a', 'api', '2'))).toEqual(new Set(['shop/web', 'shop/api']));
  expect(store.of('shop/web')).toEqual([]);
  expect(store.put(slice('a', undefined, '3'))).toEqual(new Set(['shop/api']));
  expect(store.remove(slice('a', 'api', '4'))).toEqual(new Set());
});
