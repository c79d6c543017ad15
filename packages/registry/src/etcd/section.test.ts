import { expect, test } from 'vitest';

import { etcdEndpoints, urlOf } from './section.ts';

test.each([
  ['a:2379,b:2379', ['http://a:2379', 'http://b:2379']],
  [
    ['https://a', 'http://[::1]:1'],
    ['https://a', 'http://[::1]:1'],
  ],
])('%j is %j', (written, urls) => {
  expect(etcdEndpoints.parse(written).map((each) => urlOf(each, false))).toEqual(urls);
});

test.each(
  ['', 'etcd1', 'a:2379,', 'a:2379/v3', 'ftp://a', 'http://u@a', '[::1]'].map((each) => [each]),
)('%j is no list of servers', (written) => {
  expect(etcdEndpoints.safeParse(written).success).toBe(false);
});
