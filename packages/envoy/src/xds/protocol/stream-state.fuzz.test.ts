import fc from 'fast-check';
import { expect, test } from 'vitest';

import { type ResourceSnapshot, type ResourceType, resourceTypes } from '../resource.ts';
import { changedBetween } from './changed.ts';
import { type Client, createClient, type Judge } from './client.fixture.ts';
import type { Protocol, Request } from './request.ts';
import type { Response } from './response.ts';
import { snapshotOf } from './snapshot.fixture.ts';
import { createStreamState, type StreamState } from './stream-state.ts';

const limits = { responseBytes: 40, names: 100, patience: 5_000, letGo: 30_000 };

const name = fc.constantFrom('a', 'b', 'c', 'd', '~e', 'none');
const type = fc.constantFrom(...resourceTypes);
const contents = fc.dictionary(
  name.filter((one) => one !== 'none'),
  fc.constantFrom('1', '2', 'bad'),
);
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('toServer' as const) }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('toClient' as const) }) },
  fc.record({
    do: fc.constantFrom('subscribe' as const, 'unsubscribe' as const),
    type,
    names: fc.array(fc.oneof(name, fc.constant('*')), { maxLength: 3 }),
  }),
  fc.record({
    do: fc.constant('all' as const),
    type: fc.constantFrom('cluster' as const, 'listener' as const),
  }),
  fc.record({
    do: fc.constant('serve' as const),
    cluster: contents,
    endpoints: contents,
    listener: contents,
    route: contents,
  }),
  fc.record({ do: fc.constant('wait' as const), time: fc.nat(40_000) }),
  fc.record({ do: fc.constantFrom('flaky' as const, 'duplicate' as const, 'reconnect' as const) }),
  fc.record({
    do: fc.constant('noise' as const),
    type,
    nonce: fc.constantFrom('1', '2', '999', 'x'),
  }),
);
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never;

/** What is refused for what it is. */
const judge: Judge = ({ version }) => (version.startsWith('bad') ? 'no good' : undefined);

/** A client, a server's stream, and what is on its way between them. */
function createLink(client: Client) {
  let state = createStreamState(client.protocol, limits);
  let toServer: Request[] = [];
  let toClient: Response[] = [];
  let snapshot: ResourceSnapshot | undefined;
  let time = 0;
  let isFlaky = false;
  let last: Request | undefined;

  const unanswered = new Map<ResourceType, string>();
  function pump(): void {
    for (let sent = state.next(time); sent; sent = state.next(time)) {
      expect(unanswered.has(sent.type), 'one response of a type at a time').toBe(false);
      expect(new Set(sent.resources.map((one) => one.name)).size).toBe(sent.resources.length);
      unanswered.set(sent.type, sent.nonce);
      toClient.push(sent);
    }
  }
  function serve(next: ResourceSnapshot): void {
    state.serve(next, changedBetween(snapshot, next));
    snapshot = next;
    pump();
  }
  function deliverRequest(): void {
    const request = toServer.shift();
    if (!request) return;
    last = request;
    if (request.type && unanswered.get(request.type) === request.nonce)
      unanswered.delete(request.type);
    state.receive(request, time);
    pump();
  }
  function deliverResponse(): void {
    const response = toClient.shift();
    if (!response) return;
    const isRefused = isFlaky && response.resources.length > 0;
    isFlaky = false;
    toServer.push(client.take(response, isRefused ? () => 'not today' : judge));
  }
  return {
    get state(): StreamState {
      return state;
    },
    get isQuiet() {
      return toServer.length + toClient.length === 0;
    },
    serve,
    deliverRequest,
    deliverResponse,
    send: (request: Request) => toServer.push(request),
    flaky: (is = true) => {
      isFlaky = is;
    },
    repeat: () => {
      const isNewest = last && (last.nonce === '' || toServer.length + toClient.length === 0);
      if (last && isNewest && client.protocol === 'delta') toServer.push(last);
    },
    wait: (milliseconds: number) => {
      time += milliseconds;
      pump();
    },
    reconnect: () => {
      state = createStreamState(client.protocol, limits);
      unanswered.clear();
      toClient = [];
      toServer = [...client.reconnect()];
      last = undefined;
      if (snapshot) serve(snapshot);
    },
  };
}

type Link = ReturnType<typeof createLink>;

function settle(link: Link): void {
  for (let round = 0; round < 8; round++) {
    for (let count = 0; !link.isQuiet; count++) {
      expect(count, 'it comes to rest').toBeLessThan(2_000);
      link.deliverRequest();
      link.deliverResponse();
    }
    link.wait(40_000);
  }
}

function apply(link: Link, client: Client, one: Step): void {
  switch (one.do) {
    case 'toServer':
      link.deliverRequest();
      return;
    case 'toClient':
      link.deliverResponse();
      return;
    case 'subscribe':
      if (one.names.length > 0) link.send(client.subscribe(one.type, one.names));
      return;
    case 'unsubscribe':
      if (
        one.names.length > 0 &&
        (client.names[one.type].size > 0 || client.wildcard.has(one.type))
      )
        link.send(client.unsubscribe(one.type, one.names));
      return;
    case 'all':
      if (
        client.names[one.type].size === 0 &&
        !client.wildcard.has(one.type) &&
        client.isNew(one.type)
      )
        link.send(client.askAll(one.type));
      return;
    case 'serve':
      link.serve(snapshotOf(one));
      return;
    case 'wait':
      link.wait(one.time);
      return;
    case 'flaky':
      link.flaky();
      return;
    case 'duplicate':
      link.repeat();
      return;
    case 'reconnect':
      link.reconnect();
      return;
    case 'noise':
      if (!client.isNew(one.type)) link.send({ ...client.ack(one.type), nonce: one.nonce });
      return;
  }
}

/** What a client that asks for this has to have in the end, where all is good. */
function expected(client: Client, snapshot: ResourceSnapshot, of: ResourceType) {
  const wanted = [...snapshot[of].values()].filter(
    ({ name: own, audience }) =>
      client.names[of].has(own) || (client.wildcard.has(of) && audience === 'all'),
  );
  return Object.fromEntries(wanted.map(({ name: own, version }) => [own, version]));
}

const sorted = (map: ReadonlyMap<string, string>) => Object.fromEntries(map);

/** State of the world has no word for routes and endpoints that are gone. */
function known(client: Client, snapshot: ResourceSnapshot, of: ResourceType) {
  const has = [...client.has[of]].filter(
    ([own]) =>
      client.protocol === 'delta' || of === 'cluster' || of === 'listener' || snapshot[of].has(own),
  );
  return sorted(new Map(has));
}

const good = { a: 'x', b: 'y', d: 'x', '~e': 'z' };

test.for([
  ['delta', false],
  ['delta', true],
  ['sotw', false],
  ['sotw', true],
] as const)(
  'whatever happens on a %s stream, it ends in what a fresh client gets (partial: %s)',
  ([protocol, isPartial]) => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, isNamed) => {
        const reason = isNamed ? undefined : () => 'something is wrong';
        const client = createClient({
          protocol: protocol as Protocol,
          isPartial,
          ...(reason && { reason }),
        });
        const link = createLink(client);
        for (const one of steps) apply(link, client, one);
        const last = snapshotOf({ cluster: good, endpoints: good, listener: good, route: good });
        link.flaky(false);
        link.serve(last);
        settle(link);
        for (const of of resourceTypes)
          expect(known(client, last, of)).toEqual(expected(client, last, of));
        expect(link.state.isInStep).toBe(true);
      }),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 150) },
    );
  },
);

test.for(['delta', 'sotw'] as const)(
  'on a %s stream what is bad is found out, and all else gets through',
  (protocol) => {
    fc.assert(
      fc.property(
        fc.array(
          fc.record({
            do: fc.constant('serve' as const),
            cluster: contents,
            endpoints: contents,
            listener: contents,
            route: contents,
          }),
          { minLength: 1, maxLength: 4 },
        ),
        fc.boolean(),
        fc.boolean(),
        (snapshots, isNamed, isPartial) => {
          const reason = isNamed ? undefined : () => 'something is wrong';
          const client = createClient({ protocol, isPartial, ...(reason && { reason }) });
          const link = createLink(client);
          link.send(client.askAll('cluster'));
          link.send(client.askAll('listener'));
          link.send(client.subscribe('endpoints', ['a', 'b', '~e']));
          link.send(client.subscribe('route', ['a', 'd', '~e']));
          for (const one of snapshots) {
            link.serve(snapshotOf(one));
            settle(link);
          }
          const last = snapshotOf(snapshots.at(-1) ?? {});
          for (const of of resourceTypes) {
            const wanted = expected(client, last, of);
            const isGood = ([, version]: [string, string]) => !version.startsWith('bad');
            const has = known(client, last, of);
            expect(has).toEqual({
              ...has,
              ...Object.fromEntries(Object.entries(wanted).filter(isGood)),
            });
            expect(Object.entries(has).every(isGood)).toBe(true);
            const bad = Object.entries(wanted)
              .filter((each) => !isGood(each))
              .map(([own]) => own);
            expect([...link.state.channels[of].rejected.keys()].sort()).toEqual(bad.sort());
            expect(Object.keys(has).every((own) => own in wanted)).toBe(true);
          }
          expect(link.state.isSettled).toBe(true);
        },
      ),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 100) },
    );
  },
);
