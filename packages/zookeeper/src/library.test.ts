import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

import zookeeper from 'node-zookeeper-client';
import jute from 'node-zookeeper-client/lib/jute/index.js';
import { expect, test } from 'vitest';

/** What this package relies on in the library, much of which is not its public interface. */
test('the library is the version that this package was written for', () => {
  const { version } = createRequire(import.meta.url)('node-zookeeper-client/package.json');
  const own = createRequire(import.meta.url)('../package.json');
  expect(version).toBe('1.1.3');
  expect(own.dependencies['node-zookeeper-client']).toBe('1.1.3');
});

test('the members of a client that this package uses are there', () => {
  const client = zookeeper.createClient('unused:1', { sessionTimeout: 1_000, retries: 0 });
  const manager = client.connectionManager as unknown as Record<string, unknown>;
  const methods = [
    'connect',
    'setState',
    'queue',
    'onSocketConnected',
    'onSocketData',
    'onSocketDrain',
  ];
  for (const name of methods) expect(manager[name], name).toBeTypeOf('function');
  expect(manager.state).toBe(0);
  expect(manager.xid).toBe(0);
  expect(manager.zxid).toEqual(Buffer.alloc(8));
  expect(manager.pendingQueue).toEqual([]);
  expect('socket' in manager || manager.socket === undefined).toBe(true);
});

test("the constants that this package writes out are the library's", () => {
  const lib = createRequire(import.meta.url)('node-zookeeper-client');
  const { STATES } = createRequire(import.meta.url)(
    'node-zookeeper-client/lib/ConnectionManager.js',
  );
  expect(STATES).toMatchObject({ CONNECTING: 1, CLOSING: -1 });
  expect(lib.CreateMode).toMatchObject({
    PERSISTENT: 0,
    EPHEMERAL: 1,
    PERSISTENT_SEQUENTIAL: 2,
    EPHEMERAL_SEQUENTIAL: 3,
  });
  expect(lib.Permission).toMatchObject({ READ: 1, WRITE: 2, CREATE: 4, DELETE: 8, ADMIN: 16 });
  expect({ ...lib.Event }).toMatchObject({
    NODE_CREATED: 1,
    NODE_DELETED: 2,
    NODE_DATA_CHANGED: 3,
    NODE_CHILDREN_CHANGED: 4,
  });
  expect(jute).toMatchObject({
    OP_CODES: {
      CREATE: 1,
      DELETE: 2,
      EXISTS: 3,
      GET_DATA: 4,
      SET_DATA: 5,
      GET_CHILDREN2: 12,
      MULTI: 14,
      PING: 11,
    },
  });
});

test('the library asks its table of watches for no more than this package gives it', () => {
  const source = readFileSync(
    createRequire(import.meta.url).resolve('node-zookeeper-client/lib/ConnectionManager.js'),
    'utf8',
  );
  const used = [...source.matchAll(/watcherManager\.(\w+)/g)].map(([, name]) => name);
  // The others are asked by functions that this package does not use, or where the table is not empty.
  expect(new Set(used)).toEqual(
    new Set([
      'emit',
      'isEmpty',
      'registerDataWatcher',
      'registerChildWatcher',
      'registerExistenceWatcher',
      'getDataWatcherPaths',
      'getExistenceWatcherPaths',
      'getChildWatcherPaths',
    ]),
  );
});

test('the library still throws on an error code that it does not know, which is why codes are masked', () => {
  const lib = createRequire(import.meta.url)('node-zookeeper-client');
  expect(() => lib.Exception.create(-125)).toThrow('Unknown code: -125');
});
