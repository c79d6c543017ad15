import type { Instance, Registry } from '@smartstack/registry';
import { afterEach, beforeEach, expect, test } from 'vitest';

import { elect } from '../../packages/synapse/src/discovery/policies/leader.ts';

export interface ContractSubject {
  /** Another view of the same registry, as a second process would have. */
  open(): Registry;
  close(): Promise<void>;
}

/** What a registry cannot promise, and why. */
export interface Exceptions {
  /** Why nobody can tell which instance was announced first. */
  readonly order?: string;
}

/** What every registry promises, run against one of them. What it cannot is a test by its name, too. */
export function registryContract(
  start: () => Promise<ContractSubject>,
  { order }: Exceptions = {},
): void {
  let subject: ContractSubject;
  let ended: AbortController;
  beforeEach(async () => {
    subject = await start();
    ended = new AbortController();
  });
  afterEach(async () => {
    ended.abort();
    await subject.close();
  });

  const web = (port: number, more: Partial<Instance> = {}): Instance => ({
    host: '127.0.0.1',
    port,
    name: 'vm-1',
    ...more,
  });

  test('an announced instance is seen by another view, whole', async () => {
    const announced = web(80, { weight: 3, labels: { zone: 'a' }, haproxyServerOptions: 'backup' });
    await subject.open().announce('/services/web', announced, ended.signal);
    const [list] = await take(subject.open().watch('/services/web', ended.signal), 1);
    expect(list).toEqual([{ ...announced, id: expect.any(String) }]);
  });

  test('the first list is whole, and each change yields a whole new one', async () => {
    const [writer, reader] = [subject.open(), subject.open()];
    await writer.announce('/services/web', web(1), ended.signal);
    const second = await writer.announce('/services/web', web(2), ended.signal);
    const lists = reader.watch('/services/web', ended.signal)[Symbol.asyncIterator]();
    expect(portsOf((await lists.next()).value)).toEqual([1, 2]);
    await writer.announce('/services/web', web(3), ended.signal);
    expect(portsOf((await lists.next()).value)).toEqual([1, 2, 3]);
    await second[Symbol.asyncDispose]();
    expect(portsOf((await lists.next()).value)).toEqual([1, 3]);
  });

  test('withdrawing the last one yields an empty list', async () => {
    const announcement = await subject.open().announce('/services/web', web(1), ended.signal);
    const lists = subject.open().watch('/services/web', ended.signal)[Symbol.asyncIterator]();
    expect(portsOf((await lists.next()).value)).toEqual([1]);
    await announcement[Symbol.asyncDispose]();
    expect(portsOf((await lists.next()).value)).toEqual([]);
  });

  test('an update changes the content in place', async () => {
    const writer = subject.open();
    const announcement = await writer.announce('/services/web', web(1), ended.signal);
    const lists = subject.open().watch('/services/web', ended.signal)[Symbol.asyncIterator]();
    const [before] = (await lists.next()).value as readonly Instance[];
    await announcement.update(web(1, { weight: 7 }), ended.signal);
    expect((await lists.next()).value).toEqual([{ ...before, weight: 7 }]);
  });

  test('a path that none registered on yet is followed from its first instance on', async () => {
    const lists = subject.open().watch('/services/later', ended.signal)[Symbol.asyncIterator]();
    const first = nextWith(lists, (list) => list.length > 0);
    await subject.open().announce('/services/later', web(1), ended.signal);
    expect(portsOf(await first)).toEqual([1]);
  });

  test('paths do not see each other', async () => {
    const writer = subject.open();
    await writer.announce('/services/web', web(1), ended.signal);
    await writer.announce('/services/web/inner', web(2), ended.signal);
    const [list] = await take(subject.open().watch('/services/web/inner', ended.signal), 1);
    expect(portsOf(list)).toEqual([2]);
  });

  const first =
    order === undefined
      ? 'it can be told which instance was announced first'
      : `cannot: tell which instance was announced first: ${order}`;
  test(first, async () => {
    const registry = subject.open();
    for (const port of [3, 1, 2]) await registry.announce('/services/web', web(port), ended.signal);
    const [list = []] = await take(subject.open().watch('/services/web', ended.signal), 1);
    const election = elect(undefined, list);
    if (order === undefined) expect(election).toMatchObject({ leader: { port: 3 } });
    else expect(election).toHaveProperty('failure');
  });

  test('a watch ends when its signal aborts, with nothing more to say', async () => {
    const own = new AbortController();
    const registry = subject.open();
    await registry.announce('/services/web', web(1), ended.signal);
    const lists = registry.watch('/services/web', own.signal)[Symbol.asyncIterator]();
    await lists.next();
    const last = lists.next();
    own.abort();
    expect(await last).toEqual({ done: true, value: undefined });
  });

  test('an aborted announcement leaves nothing behind', async () => {
    const registry = subject.open();
    await expect(registry.announce('/services/web', web(1), AbortSignal.abort())).rejects.toThrow();
    await registry.announce('/services/web', web(2), ended.signal);
    const [list] = await take(subject.open().watch('/services/web', ended.signal), 1);
    expect(portsOf(list)).toEqual([2]);
  });
}

function portsOf(list: unknown): readonly number[] {
  return ((list ?? []) as readonly Instance[])
    .map(({ port }) => Number(port))
    .sort((a, b) => a - b);
}

async function take<T>(values: AsyncIterable<T>, count: number): Promise<readonly T[]> {
  const taken: T[] = [];
  for await (const value of values) if (taken.push(value) === count) break;
  return taken;
}

async function nextWith<T>(values: AsyncIterator<T>, wanted: (value: T) => boolean): Promise<T> {
  while (true) {
    const { value, done } = await values.next();
    if (done) throw new Error('ended before the wanted value');
    if (wanted(value)) return value;
  }
}
