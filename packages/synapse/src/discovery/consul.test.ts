import { createMetrics, silentLog } from '@smartstack/daemon';
import { type ConsulFollow, type ConsulSection, consulSchema } from '@smartstack/registry';
import { expect, test } from 'vitest';

import { consul } from './consul.ts';
import type { DiscoveryDeps } from './discovery.ts';

/** What a discovery asks of which Consul. */
function asked(config: object, shared?: object) {
  let section: ConsulSection | undefined;
  let query: ConsulFollow | undefined;
  const registries = {
    openConsul: (given: ConsulSection) => {
      section = given;
      return {
        follow: (given: ConsulFollow) => {
          query = given;
          return [];
        },
      };
    },
  } as unknown as DiscoveryDeps['registries'];
  const discovery = consul.create(consul.schema.parse({ method: 'consul', ...config }), {
    service: 'web',
    port: 8080,
    registries,
    consul: shared && consulSchema.parse(shared),
    log: silentLog,
    metrics: createMetrics(),
  });
  discovery(new AbortController().signal);
  return { section, query };
}

test('where nothing is said, the service of the same name is followed at the machine’s agent', () => {
  const { section, query } = asked({});
  expect(section).toEqual(consulSchema.parse({ url: 'http://127.0.0.1:8500' }));
  expect(query).toMatchObject({
    service: 'web',
    datacenters: [],
    tags: [],
    consistency: 'default',
  });
  expect(query?.mapping).toMatchObject({ health: 'passing', tagPrefix: 'tag_', port: 8080 });
});

test('one tag and several are all asked for', () => {
  expect(asked({ tag: 'a', tags: ['b', 'c'] }).query?.tags).toEqual(['a', 'b', 'c']);
});

const shared = { url: 'https://consul:8501', token_file: '/t', tls: { ca: '/ca' }, wait: '1m' };

test.each<[string, object, object]>([
  ['nothing', {}, { url: shared.url, token_file: '/t', wait: 60_000 }],
  ['a namespace', { namespace: 'shop' }, { url: shared.url, token_file: '/t', namespace: 'shop' }],
])('with %s of its own it is spoken to as all are', (_, own, expected) => {
  expect(asked(own, shared).section).toMatchObject(expected);
});

test('a token of its own is in the place of the shared one, in whatever form', () => {
  const { section } = asked({ token: 'secret' }, shared);
  expect(section).toMatchObject({ url: shared.url, token: 'secret' });
  expect(section).not.toHaveProperty('token_file');
});

test('another Consul gets nothing of the shared section, its token least of all', () => {
  const { section } = asked({ url: 'http://10.0.0.5:8500' }, shared);
  expect(section).toEqual(consulSchema.parse({ url: 'http://10.0.0.5:8500' }));
});

test.each([
  ['ftp://consul', 'expected http://host:port, https://host:port or unix:///path'],
  ['127.0.0.1:8500', 'expected http://host:port, https://host:port or unix:///path'],
  ['http://consul?x=1', 'expected http://host:port, https://host:port or unix:///path'],
  ['unix://relative/path', 'expected http://host:port, https://host:port or unix:///path'],
])('the url %s is refused', (url, message) => {
  const { error } = consulSchema.safeParse({ url });
  expect(error?.issues.map((issue) => issue.message)).toEqual([message]);
});
