import { expect, test } from 'vitest';

import type { ResourceSnapshot } from '../resource.ts';
import { changedBetween } from './changed.ts';
import { type Client, createClient, type Judge } from './client.fixture.ts';
import type { Protocol, Request } from './request.ts';
import type { Response } from './response.ts';
import { snapshotOf } from './snapshot.fixture.ts';
import { createStreamState } from './stream-state.ts';

const limits = { responseBytes: 1_000, names: 100, patience: 5_000, letGo: 30_000 };

/** A stream and its client; responses are shown as `type +added -removed`. */
function start(protocol: Protocol, contents: Parameters<typeof snapshotOf>[0] = {}, more = {}) {
  const client: Client = createClient({ protocol });
  const state = createStreamState(protocol, { ...limits, ...more });
  let snapshot: ResourceSnapshot | undefined;
  let time = 0;
  const serve = (next: Parameters<typeof snapshotOf>[0]) => {
    const made = snapshotOf(next);
    state.serve(made, changedBetween(snapshot, made));
    snapshot = made;
  };
  serve(contents);
  const sent: Response[] = [];
  /** What is sent now, unanswered. */
  const flow = () => {
    const from = sent.length;
    for (let one = state.next(time); one; one = state.next(time)) sent.push(one);
    return sent.slice(from).map(shown);
  };
  const ask = (...requests: Request[]) => {
    for (const request of requests) state.receive(request, time);
  };
  /** Answers all that was sent and was not answered. */
  let answered = 0;
  const answer = (judge?: Judge) => {
    const open = sent.slice(answered);
    answered = sent.length;
    return open.map((one) => state.receive(client.take(one, judge), time));
  };
  return {
    client,
    state,
    serve,
    flow,
    ask,
    answer,
    /** Everything back and forth until nothing is left to say. */
    settle: (judge?: Judge) => {
      const all: string[] = [];
      for (let some = flow(); some.length > 0; some = flow()) {
        all.push(...some);
        answer(judge);
      }
      return all;
    },
    wait: (milliseconds: number) => {
      time += milliseconds;
    },
    askAll: () => ask(client.askAll('cluster'), client.askAll('listener')),
  };
}

const shown = ({ type, resources, removed }: Response) =>
  [type, ...resources.map(({ name }) => `+${name}`), ...removed.map((name) => `-${name}`)].join(
    ' ',
  );

test('incremental: a name that does not exist is told, and told again to who asks again', () => {
  const { client, ask, settle, serve } = start('delta');
  ask(client.subscribe('route', ['web']));
  expect(settle()).toEqual(['route -web']);
  expect(settle()).toEqual([]);
  ask(client.subscribe('route', ['web']));
  expect(settle()).toEqual(['route -web']);
  serve({ route: { web: '1' } });
  expect(settle()).toEqual(['route +web']);
});

test('state of the world: what does not exist is left out, and comes when it exists', () => {
  const { client, ask, settle, serve } = start('sotw');
  ask(client.subscribe('route', ['web']), client.subscribe('listener', ['web']));
  expect(settle()).toEqual(['listener']);
  serve({ route: { web: '1' } });
  expect(settle()).toEqual(['route +web']);
});

test('a first request for everything is answered though there is nothing', () => {
  for (const protocol of ['delta', 'sotw'] as const) {
    const { askAll, settle } = start(protocol);
    askAll();
    expect(settle()).toEqual(['cluster', 'listener']);
  }
});

test('incremental: what is asked for again is sent again', () => {
  const { client, ask, settle } = start('delta', { endpoints: { a: '1', b: '1' } });
  ask(client.subscribe('endpoints', ['a', 'b']));
  expect(settle()).toEqual(['endpoints +a +b']);
  ask(client.subscribe('endpoints', ['a']));
  expect(settle()).toEqual(['endpoints +a']);
  ask(client.unsubscribe('endpoints', ['a']));
  expect(settle()).toEqual([]);
});

test('incremental: a name that is left out beside everything is told either way', () => {
  const { client, ask, askAll, settle } = start('delta', { cluster: { a: '1', '~b': '1' } });
  askAll();
  ask(client.subscribe('cluster', ['~b']));
  expect(settle()).toEqual(['cluster +a +~b', 'listener']);
  ask(client.unsubscribe('cluster', ['~b', 'a']));
  expect(settle()).toEqual(['cluster -~b']);
  ask(client.subscribe('cluster', ['a']));
  settle();
  ask(client.unsubscribe('cluster', ['a']));
  expect(settle()).toEqual(['cluster +a']);
});

test('a response has so many bytes where it may be a part', () => {
  const contents = { a: 'x'.repeat(400), b: 'x'.repeat(400), c: 'x'.repeat(400) };
  const { client, ask, settle } = start('delta', { endpoints: contents });
  ask(client.subscribe('endpoints', ['a', 'b', 'c']));
  expect(settle()).toEqual(['endpoints +a +b', 'endpoints +c']);
  const whole = start('sotw', { cluster: contents });
  whole.askAll();
  expect(whole.settle()).toEqual(['cluster +a +b +c', 'listener']);
});

test('what is new waits for its clusters and their endpoints, and no longer than it may', () => {
  const { client, ask, askAll, flow, answer, serve, wait, state } = start('delta');
  askAll();
  ask(client.subscribe('endpoints', ['old']), client.subscribe('route', ['old']));
  flow();
  answer();
  serve({ cluster: { a: '1' }, endpoints: { a: '1' }, listener: { a: '1' }, route: { old: '2' } });
  expect(flow()).toEqual(['cluster +a']);
  ask(client.subscribe('endpoints', ['a']));
  answer();
  expect(flow()).toEqual(['endpoints +a']);
  expect(state.wakeAt).toBe(5_000);
  wait(4_999);
  expect(flow()).toEqual([]);
  wait(1);
  expect(flow()).toEqual(['listener +a', 'route +old']);
});

test('what is refused is waited for no longer', () => {
  const { askAll, settle, flow, answer, serve } = start('delta');
  askAll();
  settle();
  serve({ cluster: { a: '1' }, listener: { a: '1' } });
  expect(flow()).toEqual(['cluster +a']);
  answer(() => 'no');
  expect(flow()).toEqual(['listener +a']);
});

test('a listener that takes another’s address is sent with what frees it', () => {
  const { askAll, settle, serve } = start('delta', { listener: { web: ':80' } });
  askAll();
  settle();
  serve({ listener: { web2: ':80' } });
  expect(settle()).toEqual(['listener +web2 -web']);
});

test('a cluster that changed is sent with its endpoints', () => {
  for (const protocol of ['delta', 'sotw'] as const) {
    const { client, ask, askAll, settle, flow, serve } = start(protocol, {
      cluster: { a: '1', b: '1' },
      endpoints: { a: '1', b: '1' },
    });
    askAll();
    ask(client.subscribe('endpoints', ['a', 'b']));
    settle();
    serve({ cluster: { a: '2', b: '1' }, endpoints: { a: '1', b: '1' } });
    expect(flow()).toEqual([protocol === 'delta' ? 'cluster +a' : 'cluster +a +b', 'endpoints +a']);
  }
});

test('a cluster stays while a listener that drains has its routes, and no longer than it may', () => {
  for (const protocol of ['delta', 'sotw'] as const)
    for (const ends of ['unsubscribes', 'never']) {
      const { client, ask, askAll, settle, serve, wait, state } = start(protocol, {
        cluster: { a: '1' },
        listener: { a: '1' },
        route: { a: '1' },
      });
      askAll();
      ask(client.subscribe('route', ['a']));
      settle();
      serve({});
      expect(settle()).toEqual([protocol === 'delta' ? 'listener -a' : 'listener']);
      expect([state.isInStep, client.has.cluster.size]).toEqual([true, 1]);
      if (ends === 'never') wait(30_000);
      else ask(client.unsubscribe('route', ['a']));
      settle();
      expect(client.has.cluster.size).toBe(0);
    }
});

test('many changes while a response is on its way are one response', () => {
  const { client, ask, flow, answer, serve } = start('delta', { endpoints: { a: '1' } });
  ask(client.subscribe('endpoints', ['a']));
  flow();
  for (const version of ['2', '3', '4']) serve({ endpoints: { a: version } });
  expect(flow()).toEqual([]);
  answer();
  expect(flow()).toEqual(['endpoints +a']);
  answer();
  expect(client.has.endpoints.get('a')).toMatch(/^4/);
});

test('what changes back while it is on its way is sent once more', () => {
  const { client, ask, flow, answer, settle, serve } = start('delta', { endpoints: { a: '1' } });
  ask(client.subscribe('endpoints', ['a']));
  settle();
  serve({ endpoints: { a: '2' } });
  flow();
  serve({ endpoints: { a: '1' } });
  answer();
  expect(settle()).toEqual(['endpoints +a']);
  expect(client.has.endpoints.get('a')).toMatch(/^1/);
});

test('the same content is not sent again to who refused it; other content is', () => {
  for (const protocol of ['delta', 'sotw'] as const) {
    const { client, ask, answer, flow, settle, serve, state } = start(protocol, {
      route: { a: '1' },
    });
    ask(client.subscribe('route', ['a']));
    settle();
    serve({ route: { a: '2' } });
    flow();
    const [received] = answer(() => 'no');
    expect(received?.refused).toMatchObject([
      { name: 'a', service: 'a', reason: 'a: no', hasEarlier: true },
    ]);
    expect(flow()).toEqual([]);
    expect([state.isSettled, state.isInStep]).toEqual([true, false]);
    serve({ route: { a: '1' } });
    expect(flow()).toEqual([]);
    expect(state.isInStep).toBe(true);
    serve({ route: { a: '3' } });
    expect(settle()).toEqual(['route +a']);
  }
});

test('one bad resource of many is found in few steps, and the others get through', () => {
  const all = Object.fromEntries(Array.from({ length: 64 }, (_, index) => [`n${index}`, '1']));
  const { client, askAll, settle } = start('delta', { cluster: all });
  askAll();
  const responses = settle(({ name }) => (name === 'n37' ? 'something' : undefined));
  expect(responses.length).toBeLessThan(16);
  expect(client.has.cluster.size).toBe(63);
});

test('state of the world: versions are those of the content, whatever the way to it', () => {
  const versions = ['1', '2'].map((first) => {
    const { state, askAll, settle, serve } = start('sotw', { cluster: { a: first } });
    askAll();
    settle();
    serve({ cluster: { b: '1', a: '3' } });
    settle();
    return state.channels.cluster.confirmed.version;
  });
  expect(versions[0]).toBe(versions[1]);
});

test('types that nobody serves are no trouble', () => {
  const { state, ask, flow } = start('delta');
  ask({
    type: undefined,
    typeUrl: 'x',
    nonce: '',
    names: { protocol: 'delta', subscribe: ['a'], unsubscribe: [], known: {} },
  });
  expect(flow()).toEqual([]);
  expect(state.isInStep).toBe(true);
});
