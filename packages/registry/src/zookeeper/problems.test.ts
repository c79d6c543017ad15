import { describe, expect, test } from 'vitest';

import { hostsProblem, nodePathProblem } from './problems.ts';

describe('hosts that cannot be connected to are refused with what to write', () => {
  test.each([
    [['http://zk1:2181'], 'expected host:port, without http://'],
    [['zk1:2181', 'zk://zk2'], 'expected host:port, without zk://'],
    [['zk1:99999'], 'cannot use ZooKeeper host "zk1:99999": a port lies between 1 and 65535'],
    [['zk1:0'], 'cannot use ZooKeeper host "zk1:0": a port lies between 1 and 65535'],
    [['zk1:abc'], 'cannot use ZooKeeper host "zk1:abc": expected host:port'],
    [['$ZK_HOSTS'], 'expected host:port, got "$ZK_HOSTS": $ZK_HOSTS is no host name'],
    [['<%= x %>:2181'], 'cannot use ZooKeeper host "<%= x %>:2181": expected host:port'],
    [['[zk1]:2181'], 'cannot use ZooKeeper host "[zk1]:2181": expected host:port'],
    [
      ['zk1:2181/a,zk2:2181'],
      'expected a chroot behind the last host only, which holds for all: zk1:2181,zk2:2181/a',
    ],
    [
      ['zk1:2181/a', 'zk2:2181/a'],
      'expected a chroot behind the last host only, which holds for all: zk1:2181,zk2:2181/a',
    ],
    [['zk1:2181//a'], 'cannot use the chroot //a: a path has no empty names'],
    [['zk1:2181/a/../b'], 'cannot use the chroot /a/../b: a path has no relative names'],
    [[], 'expected at least one host:port'],
    [[','], 'expected at least one host:port'],
  ])('%j', (hosts, problem) => {
    expect(hostsProblem(hosts)).toBe(problem);
  });

  test.each([
    [['zk1']],
    [['zk1:2181', 'zk2.example.com:2182']],
    [['zk1:2181,zk2:2181/stack']],
    [['zk1:2181', 'zk2:2181/stack/deep/']],
    [['[::1]:2181', '::1', '10.0.0.1:2181', 'zk_1:2181']],
  ])('%j is taken', (hosts) => {
    expect(hostsProblem(hosts)).toBeUndefined();
  });
});

test.each([
  ['/services/web', undefined],
  ['services/web', 'expected an absolute path such as /services/web'],
  ['/services/web/', 'expected an absolute path such as /services/web'],
  ['/services//web', 'expected an absolute path such as /services/web: a path has no empty names'],
  [
    '/services/../web',
    'expected an absolute path such as /services/web: a path has no relative names',
  ],
  [
    '/services/\0web',
    'expected an absolute path such as /services/web: a path has no control or private characters',
  ],
])('the path %j', (path, problem) => {
  expect(nodePathProblem(path)).toBe(problem);
});
