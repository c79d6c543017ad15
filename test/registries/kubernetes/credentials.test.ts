import { chmod, readFile, writeFile } from 'node:fs/promises';

import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';

import { type Authority, startAuthority } from '../../support/certificates.ts';
import { type ApiServer, startApiServer } from '../../support/kubernetes/api-server.ts';
import { startFollower } from '../../support/kubernetes/followed.ts';
import { sliceOf } from '../../support/kubernetes/slices.ts';
import { freePort } from '../../support/ports.ts';
import { createScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

let scratch: Scratch;
let authority: Authority;
let server: ApiServer;
const users: string[] = [];

beforeAll(async () => {
  scratch = await createScratch();
  authority = await startAuthority();
  const { cert, key } = await authority.issue('server', 'IP:127.0.0.1', 'DNS:kube.example');
  const tls = { cert, key, ca: authority.cert };
  server = await startApiServer({ port: await freePort(), tls });
  server.objects.put(sliceOf({ endpoints: [{ address: '10.1.0.1', pod: 'web-1' }] }) as never);
});

beforeEach(() => {
  users.length = 0;
  server.settings.tokens = { first: 'jane', second: 'june' };
  server.settings.forbids = (user) => {
    if (users.at(-1) !== user) users.push(user);
    return false;
  };
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await authority[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

async function kubeconfigOf(user: object, cluster: object = {}): Promise<string> {
  const file = scratch.path('kubeconfig');
  const ca = { 'certificate-authority': authority.file };
  await writeFile(
    file,
    `apiVersion: v1
kind: Config
current-context: other
clusters:
- {name: c, cluster: ${JSON.stringify({ server: server.url, ...ca, ...cluster })}}
users:
- {name: u, user: ${JSON.stringify(user)}}
contexts:
- {name: test, context: {cluster: c, user: u, namespace: shop}}
`,
  );
  return file;
}

/** Lists with these credentials, once. */
async function listAs(address: Parameters<typeof startFollower>[0]): Promise<void> {
  await using follower = startFollower(address);
  const web = follower.follow();
  const trouble = () => web.troubles.find((each) => each !== undefined);
  await until(() => web.members() !== undefined || trouble() !== undefined, 8_000);
  if (!web.members()) throw new Error(trouble());
}

/** A program that writes a credential, and down each time that it ran. */
async function writePlugin(status: object, more = ''): Promise<string> {
  const file = scratch.path('plugin.sh');
  const credential = {
    kind: 'ExecCredential',
    apiVersion: 'client.authentication.k8s.io/v1',
    status,
  };
  await writeFile(
    file,
    `#!/bin/sh
echo "$KUBERNETES_EXEC_INFO $PLUGIN_MODE $*" >> ${scratch.path('ran')}
${more}
cat ${scratch.path('credential')}
`,
  );
  await writeFile(scratch.path('credential'), JSON.stringify(credential));
  await writeFile(scratch.path('ran'), '');
  await chmod(file, 0o755);
  return file;
}

const ran = async () => (await readFile(scratch.path('ran'), 'utf8')).split('\n').slice(0, -1);
const exec = (command: string) => ({
  apiVersion: 'client.authentication.k8s.io/v1',
  command,
  args: ['token', '--fast'],
  env: [{ name: 'PLUGIN_MODE', value: 'quiet' }],
  provideClusterInfo: true,
});
const inTest = (kubeconfig: string) => ({ kubeconfig, context: 'test', namespace: undefined });

test('a client certificate, by data and by files', async () => {
  server.settings.tokens = {};
  const { cert, key } = await authority.issue('vm-1');
  const data = {
    'client-certificate-data': Buffer.from(cert).toString('base64'),
    'client-key-data': Buffer.from(key).toString('base64'),
  };
  const ca = { 'certificate-authority-data': Buffer.from(authority.cert).toString('base64') };
  await listAs(inTest(await kubeconfigOf(data, ca)));
  await writeFile(scratch.path('own.pem'), cert);
  await writeFile(scratch.path('own.key'), key);
  const files = { 'client-certificate': 'own.pem', 'client-key': 'own.key' };
  await listAs(inTest(await kubeconfigOf(files)));
  const tls = { ca: authority.file, cert: scratch.path('own.pem'), key: scratch.path('own.key') };
  await listAs({ server: server.url, tls: { ...tls, insecure: false } });
  expect(new Set(users)).toEqual(new Set(['vm-1']));
});

test("the server's name is checked, as another one where that is said, or not at all", async () => {
  const user = { token: 'first' };
  const other = server.url.replace('127.0.0.1', 'localhost');
  await expect(listAs(inTest(await kubeconfigOf(user, { server: other })))).rejects.toThrow(
    /does not match/,
  );
  await listAs(
    inTest(await kubeconfigOf(user, { server: other, 'tls-server-name': 'kube.example' })),
  );
  const skip = { 'insecure-skip-tls-verify': true, 'certificate-authority': undefined };
  await listAs(inTest(await kubeconfigOf(user, { server: other, ...skip })));
});

test('a token of a file that rotates, as a service account has it', async () => {
  const file = scratch.path('token');
  await writeFile(file, 'first\n');
  await using follower = startFollower(inTest(await kubeconfigOf({ tokenFile: 'token' })));
  const web = follower.follow();
  await until(() => web.members(), 8_000);
  await writeFile(file, 'second\n');
  server.settings.tokens = { second: 'june' };
  server.watches.end();
  await until(() => users.at(-1) === 'june', 8_000);
  await until(() => server.watches.count === 1, 8_000);
  expect(users.slice(-2)).toEqual(['jane', 'june']);
});

test('a token that the server refuses is said, and the next one is tried', async () => {
  const file = await kubeconfigOf({ token: 'bad' });
  await using follower = startFollower(inTest(file));
  const web = follower.follow();
  await until(() => web.troubles.at(-1) !== undefined, 8_000);
  expect(web.troubles.at(-1)).toBe(
    'cannot list endpointslices in namespace shop: 401: Unauthorized',
  );
  expect(follower.logged.at(-1)).toContain('its token or certificate is not accepted');
  await kubeconfigOf({ token: 'first' });
  await until(() => web.members(), 8_000);
});

test('a token of an exec plugin, which is told of the cluster and runs once', async () => {
  const expirationTimestamp = new Date(Date.now() + 3_600_000).toISOString();
  const plugin = await writePlugin({ token: 'first', expirationTimestamp });
  await using follower = startFollower(inTest(await kubeconfigOf({ exec: exec(plugin) })));
  const web = follower.follow();
  await until(() => web.members(), 8_000);
  await until(() => server.watches.count === 1, 8_000);
  expect(await ran()).toHaveLength(1);
  const [, info = '', rest] = /^(\{.*\}) (.*)$/.exec((await ran())[0] ?? '') ?? [];
  expect(rest).toBe('quiet token --fast');
  expect(JSON.parse(info)).toEqual({
    kind: 'ExecCredential',
    apiVersion: 'client.authentication.k8s.io/v1',
    spec: { interactive: false, cluster: { server: server.url } },
  });
  // A token that is revoked before its time: the plugin gives the next one.
  server.settings.tokens = { second: 'june' };
  const next = JSON.stringify({ token: 'second', expirationTimestamp });
  const text = await readFile(scratch.path('credential'), 'utf8');
  await writeFile(scratch.path('credential'), text.replace(/"status":.*/, `"status":${next}}`));
  server.watches.end();
  await until(() => users.at(-1) === 'june', 8_000);
  expect(users.slice(-2)).toEqual(['jane', 'june']);
  expect(await ran()).toHaveLength(2);
});

test('a certificate of an exec plugin', async () => {
  server.settings.tokens = {};
  const { cert, key } = await authority.issue('vm-2');
  const plugin = await writePlugin({ clientCertificateData: cert, clientKeyData: key });
  await listAs(inTest(await kubeconfigOf({ exec: exec(plugin) })));
  expect(users.at(-1)).toBe('vm-2');
});

test("a pod's service account", async () => {
  // Its folder is fixed; what it means is what a server with files means.
  await writeFile(scratch.path('token'), 'first');
  const tls = { ca: authority.file, insecure: false };
  await listAs({ server: server.url, tls, token_file: scratch.path('token') });
  expect(users.at(-1)).toBe('jane');
});

test('who is nowhere told what is', async () => {
  await expect(listAs({ namespace: undefined })).rejects.toThrow(
    'no Kubernetes API server is known: set kubernetes.kubeconfig or kubernetes.server; this does not run in a pod',
  );
});
