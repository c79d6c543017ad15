import { expect, test } from 'vitest';

import { kubernetesSchema } from './section.ts';

test.each([
  [{}],
  [{ kubeconfig: '/etc/kube', context: 'prod', namespace: 'shop', scope: 'cluster' }],
  [{ server: 'https://kube:6443', tls: { ca: '/ca.pem' }, token_file: '/token' }],
  [{ server: 'http://127.0.0.1:8001', watch_timeout: '1m' }],
  [{ context: 'prod', kubeconfig: '/etc/kube' }],
])('%j is good', (section) => {
  expect(kubernetesSchema.safeParse(section).error).toBeUndefined();
});

test.each([
  [{ kubeconfig: '/a', server: 'https://b' }, 'a kubeconfig says where the server is and who asks'],
  [{ kubeconfig: '/a', token_file: '/t' }, 'leave out server, tls and token_file'],
  [{ token_file: '/t' }, 'tls and token_file are for a server: give server, too'],
  [{ tls: {} }, 'tls and token_file are for a server: give server, too'],
  [{ server: 'https://b', context: 'a' }, 'a context is one of a kubeconfig'],
  [{ server: 'http://b', token_file: '/t' }, 'a token is not sent over plain http'],
  [{ server: 'kube:6443' }, 'expected an http or https URL'],
  [{ namespace: '-a' }, 'expected a namespace such as shop'],
  [{ scope: 'all' }, 'Invalid option'],
  [{ watch_timeout: 1 }, 'expected 10 seconds to 1 hour'],
  [{ kubeconfg: '/a' }, 'Unrecognized key'],
])('%j is refused', (section, message) => {
  expect(kubernetesSchema.safeParse(section).error?.issues[0]?.message).toContain(message);
});
