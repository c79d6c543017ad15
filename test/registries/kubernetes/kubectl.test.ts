import { afterAll, beforeAll, expect, test } from 'vitest';

import { startAuthority } from '../../support/certificates.ts';
import { type ApiServer, startApiServer } from '../../support/kubernetes/api-server.ts';
import { createKubectl, type Kubectl } from '../../support/kubernetes/kubectl.ts';
import { sliceOf } from '../../support/kubernetes/slices.ts';
import { freePort } from '../../support/ports.ts';
import { createScratch, type Scratch } from '../../support/scratch.ts';
import { until } from '../../support/until.ts';

let scratch: Scratch;
let server: ApiServer;
let kubectl: Kubectl;

beforeAll(async () => {
  scratch = await createScratch();
  server = await startApiServer({ port: await freePort() });
  kubectl = await createKubectl(server, scratch.directory);
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await scratch[Symbol.asyncDispose]();
});

const web = sliceOf({ endpoints: [{ address: '10.1.0.1', pod: 'web-1' }] });

test('kubectl creates, gets, patches and deletes EndpointSlices of the server', async () => {
  const created = await kubectl.pipe(web, 'create', '--validate=false', '-f', '-');
  expect(created).toBe('endpointslice.discovery.k8s.io/web-abcde created');
  expect(await kubectl.run('get', 'endpointslices')).toContain('web-abcde');
  const addresses = ['get', 'endpointslice', 'web-abcde', '-o', 'jsonpath={..addresses}'];
  expect(await kubectl.run(...addresses)).toBe('["10.1.0.1"]');

  const merge = JSON.stringify({ endpoints: [{ addresses: ['10.1.0.2'] }] });
  await kubectl.run('patch', 'endpointslice', 'web-abcde', '--type=merge', '-p', merge);
  expect(await kubectl.run(...addresses)).toBe('["10.1.0.2"]');
  const step = [{ op: 'replace', path: '/endpoints/0/addresses/0', value: '10.1.0.3' }];
  const json = JSON.stringify(step);
  await kubectl.run('patch', 'endpointslice', 'web-abcde', '--type=json', '-p', json);
  expect(await kubectl.run(...addresses)).toBe('["10.1.0.3"]');
  await kubectl.run(
    'patch',
    'endpointslice',
    'web-abcde',
    '-p',
    '{"metadata":{"labels":{"a":"b"}}}',
  );
  expect(await kubectl.run('get', 'endpointslices', '-l', 'a=b', '-o', 'name')).toBe(
    'endpointslice.discovery.k8s.io/web-abcde',
  );
  expect(await kubectl.run('get', 'endpointslices', '-l', 'a in (c,d)', '-o', 'name')).toBe('');
  expect(await kubectl.run('get', 'endpointslices', '-A', '--chunk-size=1', '-o', 'name')).toBe(
    'endpointslice.discovery.k8s.io/web-abcde',
  );

  await kubectl.run('delete', 'endpointslice', 'web-abcde');
  await expect(kubectl.run('get', 'endpointslice', 'web-abcde')).rejects.toThrow(
    'endpointslices.discovery.k8s.io "web-abcde" not found',
  );
});

test('kubectl watches them', async () => {
  const ended = new AbortController();
  try {
    const watching = kubectl.start(
      ended.signal,
      ...['get', 'endpointslices', '-w', '--output-watch-events', '--no-headers'],
    );
    server.objects.put(sliceOf({ service: 'api' }) as never);
    await until(() => watching.lines().length > 0);
    server.objects.put(sliceOf({ service: 'api', labels: { a: 'b' } }) as never);
    server.objects.remove('shop', 'api-abcde');
    await until(() => watching.lines().length >= 3);
    const events = watching.lines().map((line) => line.split(/\s+/).slice(0, 2));
    expect(events).toEqual([
      ['ADDED', 'api-abcde'],
      ['MODIFIED', 'api-abcde'],
      ['DELETED', 'api-abcde'],
    ]);
  } finally {
    ended.abort();
  }
});

test('kubectl is told what is wrong: an object that is none, a token, a right', async () => {
  const wrong = { ...web, addressType: 'IPv5' };
  await expect(kubectl.pipe(wrong, 'create', '--validate=false', '-f', '-')).rejects.toThrow(
    'addressType: Unsupported value',
  );
  await using authority = await startAuthority();
  const tls = await authority.issue('server', 'IP:127.0.0.1');
  await using secure = await startApiServer({ port: await freePort(), tls });
  secure.settings.tokens = { good: 'jane' };
  secure.settings.forbids = (_, verb) => verb === 'list';
  const { url } = secure;
  const as = (token: string) =>
    createKubectl({ url, token, ca: authority.file }, scratch.directory);
  const unknown = await as('bad');
  await expect(unknown.run('get', 'endpointslices')).rejects.toThrow(/Unauthorized|logged in/);
  const jane = await as('good');
  await expect(jane.run('get', 'endpointslices')).rejects.toThrow(
    'endpointslices.discovery.k8s.io is forbidden: User "jane" cannot list resource "endpointslices" in API group "discovery.k8s.io" in the namespace "shop"',
  );
});
