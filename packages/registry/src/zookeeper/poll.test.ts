import { silentLog } from '@smartstack/daemon';
import { type Stat, ZooKeeperError } from '@smartstack/zookeeper';
import { expect, test } from 'vitest';

import { type Poll, pollChildren, pollData } from './poll.ts';

/** A whole tree in memory, with versions, that can be made unreachable. */
function createTree(nodes: Record<string, string>) {
  const tree = { nodes: new Map<string, { data: Buffer; mzxid: bigint }>(), reads: 0, down: false };
  let version = 0n;
  const set = (path: string, text: string) =>
    tree.nodes.set(path, { data: Buffer.from(text), mzxid: ++version });
  for (const [path, text] of Object.entries(nodes)) set(path, text);
  const fail = (operation: string, path: string, code: string): never => {
    throw new ZooKeeperError({ code, operation, path });
  };
  const found = (operation: string, path: string) => {
    if (tree.down) fail(operation, path, 'CONNECTION_LOSS');
    return tree.nodes.get(path);
  };
  const statOf = (node: { mzxid: bigint }) => ({ mzxid: node.mzxid }) as Stat;
  const session: Poll['session'] = {
    get: async (path) => {
      tree.reads += 1;
      const node = found('read', path) ?? fail('read', path, 'NO_NODE');
      return { data: node.data, stat: statOf(node) };
    },
    exists: async (path) => {
      const node = found('look at', path);
      return node && statOf(node);
    },
    list: async (path) => {
      const node = found('list', path) ?? fail('list', path, 'NO_NODE');
      const names = [...tree.nodes.keys()].filter((each) => each.startsWith(`${path}/`));
      return { names: names.map((each) => each.slice(path.length + 1)), stat: statOf(node) };
    },
  };
  return { tree, session, set };
}

const poll = (session: Poll['session'], path: string): Poll => ({
  session,
  path,
  interval: 2,
  log: silentLog,
});

test('children are read again and again; an outage changes nothing, and a path that vanished is empty', async () => {
  const { tree, session, set } = createTree({ '/web': '', '/web/a': '1' });
  const ended = new AbortController();
  const lists = pollChildren(poll(session, '/web'), ended.signal);
  const next = async () =>
    (await lists.next()).value?.map(({ name, data }) => `${name}=${data.toString()}`);
  expect(await next()).toEqual(['a=1']);
  set('/web/b', '2');
  expect(await next()).toEqual(['a=1', 'b=2']);
  tree.down = true;
  const after = next();
  await new Promise((resolve) => setTimeout(resolve, 10));
  tree.down = false;
  expect(await after).toEqual(['a=1', 'b=2']);
  tree.nodes.clear();
  expect(await next()).toEqual([]);
  ended.abort();
  expect(await next()).toBeUndefined();
});

test('a path that is not there yet is waited for', async () => {
  const { session, set } = createTree({});
  const ended = new AbortController();
  const lists = pollChildren(poll(session, '/web'), ended.signal);
  const first = lists.next();
  await new Promise((resolve) => setTimeout(resolve, 10));
  set('/web', '');
  expect((await first).value).toEqual([]);
  ended.abort();
});

test('a name that carries its instance is not read', async () => {
  const text = Buffer.from('{"host":"a","port":1}').toString('base64url');
  const { tree, session } = createTree({
    '/web': '',
    [`/web/base64_${text.length}_${text}_1`]: '',
  });
  const ended = new AbortController();
  expect((await pollChildren(poll(session, '/web'), ended.signal).next()).value).toHaveLength(1);
  expect(tree.reads).toBe(0);
  ended.abort();
});

test('data is read once for each version', async () => {
  const { tree, session, set } = createTree({ '/web': 'one' });
  const ended = new AbortController();
  const values = pollData(poll(session, '/web'), ended.signal);
  const next = async () => (await values.next()).value?.toString();
  expect(await next()).toBe('one');
  const second = next();
  await new Promise((resolve) => setTimeout(resolve, 10));
  expect(tree.reads).toBe(1);
  set('/web', 'two');
  expect(await second).toBe('two');
  tree.nodes.clear();
  expect(await values.next()).toEqual({ done: false, value: undefined });
  ended.abort();
});

test('a node that is not there has no data, said once', async () => {
  const { session, set } = createTree({});
  const ended = new AbortController();
  const values = pollData(poll(session, '/web'), ended.signal);
  expect(await values.next()).toEqual({ done: false, value: undefined });
  const next = values.next();
  set('/web', 'here');
  expect((await next).value?.toString()).toBe('here');
  ended.abort();
});
