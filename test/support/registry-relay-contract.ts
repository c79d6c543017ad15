import type { Announcement, Instance, Registry } from '@smartstack/registry';
import { afterEach, beforeEach, expect, test } from 'vitest';

import type { Relay } from './relay.ts';
import { until } from './until.ts';

export interface RelayedSubject {
  readonly relay: Relay;
  /** A view of the registry through the relay. */
  open(): Registry;
  /** A view through the relay, whose announcements live so long without it. */
  readonly brief: {
    open(): Pick<Registry, 'announce'>;
    /** Milliseconds. */
    readonly life: number;
  };
  /** A view that no relay disturbs. */
  direct(): Registry;
  close(): Promise<void>;
}

const path = '/services/web';
const web = (port: number): Instance => ({ host: '127.0.0.1', port, name: `vm-${port}` });

/** What a registry cannot promise, and why. */
export interface RelayExceptions {
  /** Why an announcement may outlive its time. */
  readonly late?: string;
}

/**
 * What every registry with servers promises over a network that fails: nothing that was never true is
 * served, nothing that is true is dropped, and in the end everybody sees what is there.
 */
export function registryRelayContract(
  start: () => Promise<RelayedSubject>,
  { late }: RelayExceptions = {},
): void {
  let subject: RelayedSubject;
  let ended: AbortController;
  let writer: Writer;
  let seen: Seen;
  beforeEach(async () => {
    subject = await start();
    ended = new AbortController();
    writer = createWriter(subject.direct(), ended.signal);
    for (const port of [1, 2, 3]) await writer.add(port);
    seen = follow(subject.open(), ended.signal);
    await until(() => seen.newest() === '1 2 3');
  });
  afterEach(async () => {
    ended.abort();
    await seen.running;
    await subject.close();
  });

  /** Waits until the follower has the truth, and says whether all that it had on the way had been true. */
  async function settles(): Promise<void> {
    await until(() => seen.newest() === writer.truth());
    expect(seen.lists.filter((list) => !writer.truths.has(list))).toEqual([]);
  }

  test('a connection that is cut again and again loses no change', async () => {
    for (const port of [4, 5, 6, 7]) {
      subject.relay.cut();
      await writer.add(port);
      await writer.remove(port - 3);
    }
    await settles();
  });

  test('answers that end in their midst are no lists', async () => {
    for (const [port, bytes] of [
      [4, 1],
      [5, 20],
      [6, 150],
      [7, 400],
    ] as const) {
      subject.relay.cutWithin(bytes);
      await writer.add(port);
      await until(() => seen.newest() === writer.truth());
    }
    await settles();
  });

  test('answers that come late come in their order', async () => {
    let turn = 0;
    subject.relay.delayAnswers(() => (turn++ % 3) * 60);
    for (const port of [4, 5, 6, 7, 8, 9]) {
      await writer.add(port);
      await writer.remove(port - 1);
    }
    await settles();
  });

  test('what was said once and is said again changes nothing', async () => {
    for (const port of [4, 5, 6]) {
      await writer.add(port);
      subject.relay.replay();
      await writer.remove(port - 1);
      subject.relay.replay();
    }
    await settles();
  });

  test('a registry that says nothing is not empty, and is followed on once it speaks', async () => {
    subject.relay.silence();
    const before = seen.lists.length;
    await writer.add(4);
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(seen.lists.slice(before)).toEqual([]);
    subject.relay.resume();
    await settles();
  });

  const gone =
    'an announcement whose owner is cut off for good is gone after its time, and not before';
  test(late === undefined ? gone : `${gone}; cannot: be in time: ${late}`, async () => {
    const direct = follow(subject.direct(), ended.signal);
    const { open, life } = subject.brief;
    await open().announce(path, web(9), ended.signal);
    writer.note(9);
    await until(() => direct.newest() === writer.truth());
    const start = performance.now();
    subject.relay.silence();
    writer.forget(9);
    await until(() => direct.newest() === writer.truth());
    // The last sign of life may have been a third of its life before.
    expect(performance.now() - start).toBeGreaterThan(life / 2);
    subject.relay.resume();
    ended.abort();
    await direct.running;
  });

  test('an announcement outlives a connection that is cut, and is withdrawn through the next', async () => {
    const announcement = await subject.open().announce(path, web(9), ended.signal);
    writer.note(9);
    for (let time = 0; time < 3; time += 1) {
      subject.relay.cut();
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
    await settles();
    writer.forget(9);
    subject.relay.cut();
    await until(async () => {
      await announcement[Symbol.asyncDispose]();
      return true;
    });
    await settles();
  });
}

type Seen = ReturnType<typeof follow>;
type Writer = ReturnType<typeof createWriter>;

/** Follows the service, and keeps each list as its ports. */
function follow(registry: Registry, signal: AbortSignal) {
  const lists: string[] = [];
  const read = async () => {
    for await (const list of registry.watch(path, signal)) lists.push(textOf(list.map(portOf)));
  };
  return { lists, newest: () => lists.at(-1), running: read() };
}

/** Changes the service, and keeps each state that it was in. */
function createWriter(registry: Registry, signal: AbortSignal) {
  const present = new Map<number, Announcement | undefined>();
  const truths = new Set<string>(['']);
  const truth = () => textOf([...present.keys()]);
  const note = (port: number, announcement?: Announcement) => {
    present.set(port, announcement);
    truths.add(truth());
  };
  const forget = (port: number) => {
    present.delete(port);
    truths.add(truth());
  };
  return {
    truths,
    truth,
    note,
    forget,
    add: async (port: number) => note(port, await registry.announce(path, web(port), signal)),
    remove: async (port: number) => {
      await present.get(port)?.[Symbol.asyncDispose]();
      forget(port);
    },
  };
}

const portOf = ({ port }: Instance) => Number(port);
const textOf = (ports: readonly number[]) => ports.toSorted((a, b) => a - b).join(' ');
