import type { Instance } from '@smartstack/registry';
import { expect, test } from 'vitest';

import { targetsOf } from './prometheus.ts';

const entry = (members: readonly Instance[], stale = false) => ({
  name: 'web',
  index: 1,
  stale,
  members,
});
const none = { stateOf: () => undefined };

test('a member is a target with its service, name, labels, zone and health', () => {
  const member = {
    host: '10.0.0.1',
    port: 80,
    name: 'vm-1',
    weight: 3,
    labels: { zone: 'a', 'app.kubernetes.io/name': 'x' },
    haproxyServerOptions: 'backup',
  };
  expect(targetsOf([entry([member])], { stateOf: () => 'up' })).toEqual([
    {
      targets: ['10.0.0.1:80'],
      labels: {
        __meta_smartstack_service: 'web',
        __meta_smartstack_name: 'vm-1',
        __meta_smartstack_host: '10.0.0.1',
        __meta_smartstack_port: '80',
        __meta_smartstack_health: 'up',
        __meta_smartstack_stale: 'false',
        __meta_smartstack_weight: '3',
        __meta_smartstack_zone: 'a',
        __meta_smartstack_label_zone: 'a',
        __meta_smartstack_label_app_kubernetes_io_name: 'x',
      },
    },
  ]);
});

test('IPv6 is in brackets, a UNIX socket is no target, and what no proxy serves has unknown health', () => {
  const targets = targetsOf(
    [
      entry(
        [
          { host: '::1', port: 80 },
          { host: 'unix', port: '/run/x.sock' },
        ],
        true,
      ),
    ],
    none,
  );
  expect(targets).toHaveLength(1);
  expect(targets[0]?.targets).toEqual(['[::1]:80']);
  expect(targets[0]?.labels).toMatchObject({
    __meta_smartstack_health: 'unknown',
    __meta_smartstack_stale: 'true',
    __meta_smartstack_name: '',
  });
});
