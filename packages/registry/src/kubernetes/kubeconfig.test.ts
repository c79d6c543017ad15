import { expect, test } from 'vitest';

import { readKubeconfig } from './kubeconfig.ts';

const file = '/etc/kube/config';
const written = `
apiVersion: v1
kind: Config
current-context: prod
preferences: {}
clusters:
- name: main
  cluster: {server: https://kube.example:6443/base, certificate-authority: ca.pem, tls-server-name: kube}
- name: lab
  cluster: {server: http://127.0.0.1:8001, insecure-skip-tls-verify: true, certificate-authority-data: Y2E=}
- name: far
  cluster: {server: https://far, proxy-url: http://proxy}
- name: none
  cluster: {}
contexts:
- {name: prod, context: {cluster: main, user: file, namespace: shop}}
- {name: lab, context: {cluster: lab, user: data}}
- {name: far, context: {cluster: far}}
- {name: nobody, context: {cluster: lab}}
- {name: lost, context: {cluster: gone}}
- {name: stranger, context: {cluster: lab, user: gone}}
- {name: none, context: {cluster: none}}
- {name: exec, context: {cluster: main, user: exec}}
- {name: asks, context: {cluster: main, user: asks}}
- {name: old, context: {cluster: main, user: old}}
- {name: mask, context: {cluster: main, user: mask}}
- {name: both, context: {cluster: main, user: both}}
- {name: basic, context: {cluster: main, user: basic}}
users:
- {name: file, user: {client-certificate: own.pem, client-key: /keys/own.key, tokenFile: token}}
- {name: data, user: {client-certificate-data: b3du, client-key-data: a2V5, token: secret}}
- {name: both, user: {token: secret, tokenFile: token}}
- {name: basic, user: {username: jane, password: secret}}
- {name: exec, user: {exec: {command: ./get-token, args: [a], env: [{name: A, value: b}], installHint: get it, interactiveMode: IfAvailable}}}
- {name: asks, user: {exec: {command: login, interactiveMode: Always}}}
- {name: old, user: {auth-provider: {name: gcp}}}
- {name: mask, user: {token: secret, as: root}}
`;

test('the current context, with paths from the file', () => {
  expect(readKubeconfig(file, written)).toEqual({
    name: 'prod',
    server: new URL('https://kube.example:6443/base'),
    namespace: 'shop',
    tls: {
      ca: { file: '/etc/kube/ca.pem' },
      cert: { file: '/etc/kube/own.pem' },
      key: { file: '/keys/own.key' },
      serverName: 'kube',
      insecure: false,
    },
    user: { type: 'token_file', file: '/etc/kube/token' },
    cluster: { server: 'https://kube.example:6443/base', 'tls-server-name': 'kube' },
  });
});

test('another context, with its data', () => {
  expect(readKubeconfig(file, written, 'lab')).toMatchObject({
    namespace: undefined,
    tls: {
      ca: { text: Buffer.from('ca') },
      cert: { text: Buffer.from('own') },
      key: { text: Buffer.from('key') },
      insecure: true,
    },
    user: { type: 'token', token: 'secret' },
  });
});

test.each([
  ['nobody', { type: 'none' }],
  ['both', { type: 'token_file', file: '/etc/kube/token' }],
  ['basic', { type: 'basic', username: 'jane', password: 'secret' }],
  [
    'exec',
    {
      type: 'exec',
      plugin: {
        apiVersion: 'client.authentication.k8s.io/v1',
        command: '/etc/kube/get-token',
        args: ['a'],
        env: { A: 'b' },
        installHint: 'get it',
        isToldCluster: false,
      },
    },
  ],
])('who asks in %s', (context, user) => {
  expect(readKubeconfig(file, written, context).user).toEqual(user);
});

test.each([
  ['lost', '/etc/kube/config has no cluster gone; it has main, lab, far, none'],
  [
    'stranger',
    '/etc/kube/config has no user gone; it has file, data, both, basic, exec, asks, old, mask',
  ],
  ['nowhere', /has no context nowhere; it has prod, lab/],
  [
    'none',
    'cannot use context none of /etc/kube/config: its cluster has no server with http or https',
  ],
  [
    'far',
    'cannot use context far of /etc/kube/config: proxy-url is not supported: reach the server directly',
  ],
  ['asks', /interactiveMode: Always/],
  ['old', /auth-provider is not supported, nor by kubectl since 1.26: use exec/],
  ['mask', /as \(impersonation\) is not supported/],
])('context %s is refused', (context, message) => {
  expect(() => readKubeconfig(file, written, context)).toThrow(message);
});

test.each([
  ['', /is no kubeconfig|no current-context/],
  [
    'clusters: 7',
    '/etc/kube/config is no kubeconfig: Invalid input: expected array, received number (clusters)',
  ],
  ['{', /config:1/],
  ['contexts: []', '/etc/kube/config has no current-context; set kubernetes.context'],
])('the file %j is refused', (text, message) => {
  expect(() => readKubeconfig(file, text)).toThrow(message);
});
