import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { silentLog } from '@smartstack/daemon';
import { expect, onTestFinished, test } from 'vitest';

import { json, startServer } from '../http/server.fixture.ts';
import { createCluster } from './cluster.ts';
import type { KubernetesServer } from './section.ts';

const signal = new AbortController().signal;

async function createFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cluster-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  return folder;
}

function open(server: KubernetesServer, more: object = {}) {
  const cluster = createCluster({ server, log: silentLog, environment: {}, ...more });
  onTestFinished(() => cluster[Symbol.dispose]());
  return cluster;
}

test('who is in a pod has its service account, its namespace and its API server', async () => {
  const folder = await createFolder();
  await writeFile(join(folder, 'namespace'), 'shop\n');
  const environment = { KUBERNETES_SERVICE_HOST: '127.0.0.1', KUBERNETES_SERVICE_PORT: '1' };
  const cluster = open({}, { serviceAccount: folder, environment });
  const { client, namespace } = await cluster.connect(signal);
  expect(namespace).toBe('shop');
  await expect(client.json({ path: '/version' }, signal)).rejects.toThrow(`${folder}/token`);
  await writeFile(join(folder, 'token'), 'secret');
  await expect(client.json({ path: '/version' }, signal)).rejects.toThrow(`${folder}/ca.crt`);
});

test('who is in no pod is told what to set', async () => {
  await expect(open({}).connect(signal)).rejects.toThrow(
    'no Kubernetes API server is known: set kubernetes.kubeconfig or kubernetes.server; this does not run in a pod',
  );
});

test('a kubeconfig that changes is read again: another server, and a bad one keeps the last', async () => {
  const folder = await createFolder();
  const servers = await Promise.all([startServer(json('one')), startServer(json('two'))]);
  onTestFinished(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
  });
  const file = join(folder, 'config');
  const write = (url = '') =>
    writeFile(
      file,
      `{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], users: [{name: a, user: {token: secret}}], clusters: [{name: a, cluster: {server: '${url}'}}]}`,
    );
  const cluster = open({ kubeconfig: file }, { pause: 100 });
  await expect(cluster.connect(signal)).rejects.toThrow('ENOENT');
  await write(servers[0]?.url);
  const ask = async () => {
    const { client, namespace } = await cluster.connect(signal);
    return [namespace, (await client.json({ path: '/version' }, signal)).body];
  };
  expect(await ask()).toEqual(['default', 'one']);
  await write();
  await new Promise((resolve) => setTimeout(resolve, 110));
  expect(await ask()).toEqual(['default', 'one']);
  await write(servers[1]?.url);
  await expect.poll(ask, { timeout: 5000 }).toEqual(['default', 'two']);
});

test('a token is not sent over plain http', async () => {
  const folder = await createFolder();
  const seen: unknown[] = [];
  const server = await startServer((request, response) => {
    seen.push(request.headers.authorization);
    json({})(request, response);
  });
  onTestFinished(() => server[Symbol.asyncDispose]());
  const file = join(folder, 'config');
  await writeFile(
    file,
    `{current-context: a, contexts: [{name: a, context: {cluster: a, user: a}}], users: [{name: a, user: {token: secret}}], clusters: [{name: a, cluster: {server: '${server.url}'}}]}`,
  );
  const { client } = await open({ kubeconfig: file }).connect(signal);
  await client.json({ path: '/' }, signal);
  expect(seen).toEqual([undefined]);
});
