import fc from 'fast-check';
import { expect, test } from 'vitest';

import type { ResourceSnapshot } from '../resource.ts';
import { changedBetween } from './changed.ts';
import { createClient } from './client.fixture.ts';
import type { Protocol, Request } from './request.ts';
import type { Response } from './response.ts';
import { snapshotOf } from './snapshot.fixture.ts';
import { createStreamState } from './stream-state.ts';

const never = Number.MAX_SAFE_INTEGER;
const limits = { responseBytes: 30, names: 100, patience: never, letGo: never };

const clusterName = fc.constantFrom('a', 'b', 'c', 'd');
const routeName = fc.constantFrom('r1', 'r2', 'r3');
/** Listeners that name routes, which name clusters; and clusters that nobody names. */
const world = fc.record({
  listeners: fc.dictionary(fc.constantFrom('l1', 'l2', 'l3'), routeName),
  routes: fc.record({ r1: clusterName, r2: clusterName, r3: clusterName }),
  more: fc.array(clusterName, { maxLength: 2 }),
  revision: fc.constantFrom('1', '2'),
});
type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

function snapshotIn({ listeners, routes, more, revision }: World): ResourceSnapshot {
  const used = Object.values(listeners) as (keyof typeof routes)[];
  const clusters = [...used.map((name) => routes[name]), ...more];
  return snapshotOf({
    cluster: Object.fromEntries(clusters.map((name) => [name, revision])),
    endpoints: Object.fromEntries(clusters.map((name) => [name, '1'])),
    listener: listeners,
    route: Object.fromEntries(used.map((name) => [name, routes[name]])),
  });
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom('toServer' as const, 'toClient' as const) },
  { weight: 1, arbitrary: fc.constant('drained' as const) },
  { weight: 2, arbitrary: fc.constant('settle' as const) },
  { weight: 2, arbitrary: world },
);

/** What a version in the fixture was made of. */
const contentOf = (version: string) => version.split('#')[0] ?? '';

/** As Envoy does: everything of clusters and listeners, and by name what those name. */
function createEnvoy(protocol: Protocol, confirmsWarm: boolean, asksFirst: boolean) {
  const client = createClient({ protocol });
  const toServer: Request[] = [client.askAll('cluster'), client.askAll('listener')];
  let held: Request[] = [];

  function follow(type: 'endpoints' | 'route', names: readonly string[]): void {
    const added = names.filter((name) => !client.names[type].has(name));
    const gone = [...client.names[type]].filter((name) => !names.includes(name));
    if (added.length > 0) toServer.push(client.subscribe(type, added));
    // A listener that drains has its routes until it has ended.
    if (gone.length > 0 && type === 'endpoints') toServer.push(client.unsubscribe(type, gone));
  }
  const routesOfListeners = () => [...client.has.listener.values()].map(contentOf);
  const isWarm = () =>
    [...client.has.cluster.keys()].every((name) => client.has.endpoints.has(name));

  return {
    client,
    toServer,
    take: (response: Response): void => {
      const answer = client.take(response);
      const holds = response.type === 'cluster' && confirmsWarm;
      if (holds) held.push(answer);
      else if (!asksFirst && protocol === 'delta') toServer.push(answer);
      follow('endpoints', [...client.has.cluster.keys()]);
      follow('route', [...new Set([...routesOfListeners(), ...client.names.route])]);
      if (!holds && (asksFirst || protocol === 'sotw')) toServer.push(answer);
      if (isWarm()) toServer.push(...held);
      if (isWarm()) held = [];
    },
    /** Listeners that drain have ended, and it waits no longer for endpoints that do not come. */
    drained: (): void => {
      toServer.push(...held);
      held = [];
      const gone = [...client.names.route].filter((name) => !routesOfListeners().includes(name));
      if (gone.length > 0) toServer.push(client.unsubscribe('route', gone));
    },
    /** Routes that lead nowhere. */
    broken: () =>
      [...client.has.route].filter(([, version]) => {
        const cluster = contentOf(version);
        return !client.has.cluster.has(cluster) || !client.has.endpoints.has(cluster);
      }),
  };
}

test.for([
  ['delta', false],
  ['delta', true],
  ['sotw', false],
  ['sotw', true],
] as const)(
  'on a %s stream no route ever leads to a cluster that is not there (confirms warm clusters: %s)',
  ([protocol, confirmsWarm]) => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 80 }),
        world,
        fc.boolean(),
        (steps, last, asksFirst) => {
          const envoy = createEnvoy(protocol, confirmsWarm, asksFirst);
          const state = createStreamState(protocol, limits);
          const toClient: Response[] = [];
          let snapshot: ResourceSnapshot | undefined;
          function pump(): void {
            for (let sent = state.next(0); sent; sent = state.next(0)) toClient.push(sent);
          }
          function serve(next: ResourceSnapshot): void {
            state.serve(next, changedBetween(snapshot, next));
            snapshot = next;
            pump();
          }
          function toServer(): void {
            const request = envoy.toServer.shift();
            if (request) state.receive(request, 0);
            pump();
          }
          function take(): void {
            const response = toClient.shift();
            if (response) envoy.take(response);
            expect(envoy.broken()).toEqual([]);
          }
          function settle(): void {
            while (envoy.toServer.length + toClient.length > 0) {
              toServer();
              take();
            }
          }
          for (const one of steps) {
            if (one === 'toServer') toServer();
            else if (one === 'toClient') take();
            else if (one === 'drained') envoy.drained();
            else if (one === 'settle') settle();
            else serve(snapshotIn(one));
          }
          const final = snapshotIn(last);
          serve(final);
          for (let round = 0; round < 8; round++) {
            settle();
            envoy.drained();
          }
          expect(state.isInStep).toBe(true);
          for (const type of ['cluster', 'listener', 'route'] as const)
            expect([...envoy.client.has[type].keys()].sort()).toEqual(
              [...final[type].keys()].sort(),
            );
        },
      ),
      { numRuns: Number(process.env.FUZZ_RUNS ?? 100) },
    );
  },
);
