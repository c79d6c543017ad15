import { createLatest, createMetrics, type Latest, silentLog } from '@smartstack/daemon';
import type { Output, Snapshot } from '@smartstack/proxy';
import type { Instance } from '@smartstack/registry';
import { pino } from 'pino';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { describeStatus } from '../operator/status.ts';
import type { Followed } from './follower.ts';
import { createReconciler, type Reconciler } from './reconciler.ts';

/** Runs it until the test's end; among tests that run side by side, whose end must be said. */
function run(reconciler: Reconciler, atEnd = onTestFinished): void {
  const ended = new AbortController();
  const running = reconciler.run(ended.signal);
  atEnd(async () => {
    ended.abort();
    await running;
  });
}

interface Scripted extends Followed {
  readonly lists: Latest<readonly Instance[]>;
}

function followed(name: string): Scripted {
  const lists = createLatest<readonly Instance[]>();
  return {
    lists,
    service: { name, instances: undefined, defaults: [], origin: 'synapse.yaml:1:1' },
    discovery: (signal) => lists.values(signal),
  };
}

/** A whole driver that records what it was asked to apply; `hold` keeps it busy, `fail` makes it reject. */
function recorder() {
  const wakes = createLatest<void>();
  const applied: Record<string, readonly string[] | undefined>[] = [];
  const control = { applied, wakes, hold: Promise.resolve(), fail: 0 };
  const driver: Output = {
    name: 'recorder',
    apply: async (snapshot: Snapshot) => {
      applied.push(
        Object.fromEntries(
          [...snapshot].map(([name, { instances }]) => [name, instances?.map(({ host }) => host)]),
        ),
      );
      await control.hold;
      if (control.fail-- > 0) throw new Error('refused');
      return 'updated';
    },
    wakes: (signal) => wakes.values(signal),
    status: () => undefined,
    [Symbol.asyncDispose]: async () => {},
  };
  return { driver, control };
}

function start(
  services: readonly Followed[],
  driver: Output,
  startupTimeout = 10_000,
  atEnd = onTestFinished,
) {
  const reconciler = createReconciler({
    followed: services,
    outputs: [driver],
    startupTimeout,
    log: silentLog,
    metrics: createMetrics(),
  });
  run(reconciler, atEnd);
  return reconciler;
}

const one = (host: string): readonly Instance[] => [{ host, port: 1 }];

test.each([
  ['that makes ready', false],
  ['that cannot', true],
])(
  'a driver %s is given the answers before the first apply, and never beside another call',
  async (_, fails) => {
    const [web, api] = [followed('web'), followed('api')];
    const { driver, control } = recorder();
    const calls: string[] = [];
    const during = async (name: string, snapshot: Snapshot) => {
      calls.push(
        `${name} of ${[...snapshot.values()].filter(({ instances }) => instances).length}`,
      );
      await new Promise((resolve) => setTimeout(resolve, 10));
      calls.push(`${name} ends`);
    };
    start([web, api], {
      ...driver,
      prepare: async (snapshot) => {
        await during('prepare', snapshot);
        if (fails) throw new Error('not yet');
      },
      apply: async (snapshot, signal) => {
        await during('apply', snapshot);
        return driver.apply(snapshot, signal);
      },
    });
    web.lists.set(one('a'));
    await vi.waitFor(() => expect(calls).toContain('prepare ends'));
    api.lists.set([]);
    await vi.waitFor(() => expect(control.applied).toEqual([{ web: ['a'], api: [] }]));
    api.lists.set(one('b'));
    await vi.waitFor(() => expect(control.applied).toHaveLength(2));
    const prepared = calls.filter((call) => call.startsWith('prepare of'));
    expect(prepared[0]).toBe('prepare of 1');
    if (fails) expect(prepared).toHaveLength(1);
    expect(calls.slice(-4)).toEqual(['apply of 2', 'apply ends', 'apply of 2', 'apply ends']);
    expect(calls.every((call, at) => call.endsWith('ends') === (at % 2 === 1))).toBe(true);
  },
);

test('the first apply waits until every discovery has answered', async () => {
  const [web, api] = [followed('web'), followed('api')];
  const { driver, control } = recorder();
  start([web, api], driver);
  web.lists.set(one('a'));
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(control.applied).toEqual([]);
  api.lists.set([]);
  await vi.waitFor(() => expect(control.applied).toEqual([{ web: ['a'], api: [] }]));
});

test('that a service was never announced is an answer: a start does not wait, and its members are known to be none', async () => {
  const [web, metrics, lines] = [followed('web'), createMetrics(), [] as string[]];
  const missing = createLatest<string>();
  const api = { ...followed('api'), missing };
  const { driver, control } = recorder();
  const reconciler = createReconciler({
    followed: [web, api],
    outputs: [driver],
    startupTimeout: 600_000,
    log: pino({ level: 'warn' }, { write: (line: string) => lines.push(line) }),
    metrics,
  });
  run(reconciler);
  web.lists.set(one('a'));
  missing.set('the path /api does not exist');
  await vi.waitFor(() => expect(control.applied).toEqual([{ web: ['a'], api: undefined }]));
  expect(lines).toEqual([]);
  expect((await metrics.text()).body).toContain('synapse_services_unheard{served="defaults"} 0');
  expect(describeStatus(reconciler, [])).toMatchObject({ services: { api: { heard: true } } });
  api.lists.set(one('b'));
  await vi.waitFor(() => expect(control.applied.at(-1)).toEqual({ web: ['a'], api: ['b'] }));
});

test('a service without an answer by the start-up timeout is unknown, not empty', async () => {
  const [web, api] = [followed('web'), followed('api')];
  const { driver, control } = recorder();
  start([web, api], driver, 10);
  web.lists.set(one('a'));
  await vi.waitFor(() => expect(control.applied).toEqual([{ web: ['a'], api: undefined }]));
});

test('a busy driver finds only the newest state', async () => {
  const web = followed('web');
  const { driver, control } = recorder();
  let release = () => {};
  control.hold = new Promise((resolve) => {
    release = resolve;
  });
  start([web], driver);
  for (const host of ['a', 'b', 'c']) {
    web.lists.set(one(host));
    await new Promise((resolve) => setImmediate(resolve));
  }
  await vi.waitFor(() => expect(control.applied).toEqual([{ web: ['a'] }]));
  release();
  await vi.waitFor(() => expect(control.applied).toEqual([{ web: ['a'] }, { web: ['c'] }]));
});

test('a failed apply is tried again with the newest state', async () => {
  const web = followed('web');
  const { driver, control } = recorder();
  control.fail = 1;
  start([web], driver);
  web.lists.set(one('a'));
  await vi.waitFor(() => expect(control.applied).toHaveLength(1));
  web.lists.set(one('b'));
  await vi.waitFor(() => expect(control.applied.at(-1)).toEqual({ web: ['b'] }));
  expect(control.applied).toHaveLength(2);
});

test('a failed apply is tried again without any change', async () => {
  const web = followed('web');
  const { driver, control } = recorder();
  control.fail = 1;
  start([web], driver);
  web.lists.set(one('a'));
  await vi.waitFor(() => expect(control.applied).toEqual([{ web: ['a'] }, { web: ['a'] }]));
});

test('a driver that wakes is given the newest state', async () => {
  const web = followed('web');
  const { driver, control } = recorder();
  start([web], driver);
  web.lists.set(one('a'));
  await vi.waitFor(() => expect(control.applied).toHaveLength(1));
  control.wakes.set();
  await vi.waitFor(() => expect(control.applied).toEqual([{ web: ['a'] }, { web: ['a'] }]));
});

describe.concurrent('a service whose parts fail ends nothing and holds no other up', () => {
  const fail = () => {
    throw new Error('a defect');
  };
  const web = followed('web');
  const parts: readonly (readonly [string, Partial<Followed>])[] = [
    ['discovery, when it is called', { discovery: fail }],
    [
      'discovery, before it yields',
      {
        // biome-ignore lint/correctness/useYield: it fails before it has anything to say
        discovery: async function* () {
          fail();
        },
      },
    ],
    [
      'discovery, after it yielded',
      {
        discovery: async function* () {
          yield one('a');
          fail();
        },
      },
    ],
    [
      'discovery, when it ends',
      {
        discovery: async function* () {
          yield one('a');
        },
      },
    ],
    [
      'overrides, when they are called',
      { overrides: fail, service: { ...web.service, own: { haproxy: {} } } },
    ],
    [
      'overrides, before they yield',
      {
        service: { ...web.service, own: { haproxy: {} } },
        // biome-ignore lint/correctness/useYield: it fails before it has anything to say
        overrides: async function* () {
          fail();
        },
      },
    ],
  ];
  test.for(parts)('%s', async ([, broken], { onTestFinished }) => {
    const api = followed('api');
    const { driver, control } = recorder();
    const reconciler = start(
      [{ ...followed('web'), ...broken }, api],
      driver,
      undefined,
      onTestFinished,
    );
    api.lists.set(one('b'));
    if (broken.overrides)
      await vi.waitFor(() => expect(reconciler.failure('web')).toBe('a defect'));
    else await vi.waitFor(() => expect(control.applied.at(-1)).toMatchObject({ api: ['b'] }));
    expect(reconciler.failure('web')).toMatch(/a defect|its discovery ended/);
    expect(reconciler.failure('api')).toBeUndefined();
    const added = followed('new');
    reconciler.replace([{ ...followed('web'), ...broken }, { ...api, identity: 'b' }, added]);
    added.lists.set(one('c'));
    await vi.waitFor(() => expect(reconciler.snapshot().get('new')?.instances).toEqual(one('c')));
  });

  test('and what keeps failing is said once, counted each time, and shown while the rest works', async ({
    onTestFinished,
  }) => {
    const [lines, metrics] = [[] as string[], createMetrics()];
    const { driver } = recorder();
    const each = { ...followed('web'), overrides: fail };
    const reconciler = createReconciler({
      followed: [{ ...each, service: { ...each.service, own: { haproxy: {} } } }],
      outputs: [driver],
      startupTimeout: 10_000,
      log: pino({ level: 'warn' }, { write: (line: string) => lines.push(line) }),
      metrics,
    });
    run(reconciler, onTestFinished);
    await vi.waitFor(() => expect(reconciler.failure('web')).toBe('a defect'));
    each.lists.set(one('a'));
    await vi.waitFor(() => expect(reconciler.snapshot().get('web')?.instances).toEqual(one('a')));
    expect(reconciler.failure('web')).toBe('a defect');
    await vi.waitFor(
      async () =>
        expect((await metrics.text()).body).toContain(
          'synapse_service_failures_total{service="web"} 2',
        ),
      5_000,
    );
    expect(lines).toHaveLength(1);
  });

  test('and what failed is followed again', async ({ onTestFinished }) => {
    let calls = 0;
    const { driver, control } = recorder();
    const reconciler = start(
      [
        {
          ...followed('web'),
          discovery: (signal) => {
            calls += 1;
            if (calls === 1) fail();
            const lists = createLatest<readonly Instance[]>();
            lists.set(one('a'));
            return lists.values(signal);
          },
        },
      ],
      driver,
      undefined,
      onTestFinished,
    );
    await vi.waitFor(() => expect(control.applied.at(-1)).toEqual({ web: ['a'] }), 5_000);
    expect(reconciler.failure('web')).toBeUndefined();
  });
});

describe('a driver whose parts fail ends nothing', () => {
  const fail = () => {
    throw new Error('a defect');
  };
  test.each([
    ['apply', { apply: fail }],
    ['prepare', { prepare: fail }],
    ['wakes, when it is called', { wakes: fail }],
    [
      'wakes, after it yielded',
      {
        wakes: async function* () {
          yield;
          fail();
        },
      },
    ],
  ] satisfies [string, Partial<Output>][])('%s', async (_, broken) => {
    const web = followed('web');
    const { driver, control } = recorder();
    const reconciler = createReconciler({
      followed: [web],
      outputs: [{ ...recorder().driver, name: 'broken', ...broken }, driver],
      startupTimeout: 10_000,
      log: silentLog,
      metrics: createMetrics(),
    });
    run(reconciler);
    web.lists.set(one('a'));
    await vi.waitFor(() => expect(control.applied.at(-1)).toEqual({ web: ['a'] }));
    web.lists.set(one('b'));
    await vi.waitFor(() => expect(control.applied.at(-1)).toEqual({ web: ['b'] }));
  });

  test('status: what the others say is shown', () => {
    const { driver } = recorder();
    const status = describeStatus(
      {
        snapshot: () => new Map(),
        get: () => undefined,
        failure: () => undefined,
        refusedPolicy: () => [],
        trouble: () => undefined,
      },
      [
        { ...driver, name: 'broken', status: fail },
        { ...driver, status: () => 'well' },
      ],
    );
    expect(status).toMatchObject({
      proxies: { broken: { trouble: 'cannot show its status: a defect' }, recorder: 'well' },
    });
  });
});

test('replacing touches only what changed: it keeps its members until it is answered anew', async () => {
  const opened: string[] = [];
  const service = (name: string, identity: string) => {
    const each = followed(name);
    const discovery: Followed['discovery'] = (signal) => {
      opened.push(`${name} ${identity}`);
      return each.lists.values(signal);
    };
    return { ...each, identity, discovery };
  };
  const [web, api, old] = [service('web', '1'), service('api', '1'), service('old', '1')];
  const { driver, control } = recorder();
  const reconciler = start([web, api, old], driver);
  for (const each of [web, api, old]) each.lists.set(one('a'));
  await vi.waitFor(() => expect(control.applied).toHaveLength(1));
  const [changed, added] = [service('api', '2'), service('new', '1')];
  reconciler.replace([service('web', '1'), changed, added]);
  await vi.waitFor(() =>
    expect(control.applied.at(-1)).toEqual({ web: ['a'], api: ['a'], new: undefined }),
  );
  old.lists.set(one('b'));
  api.lists.set(one('b'));
  changed.lists.set(one('c'));
  added.lists.set(one('d'));
  web.lists.set(one('e'));
  await vi.waitFor(() =>
    expect(control.applied.at(-1)).toEqual({ web: ['e'], api: ['c'], new: ['d'] }),
  );
  expect(opened).toEqual(['web 1', 'api 1', 'old 1', 'api 2', 'new 1']);
});

test('what the registry says of a service is laid over its section, and taken back', async () => {
  const web = followed('web');
  const says = createLatest<Readonly<Record<string, object>>>();
  const haproxy = { backend_order: 'asc', port: 80 } as never;
  const { driver } = recorder();
  const reconciler = start(
    [
      {
        ...web,
        service: { ...web.service, own: { haproxy } },
        overrides: (signal) => says.values(signal),
      },
    ],
    driver,
  );
  const section = () => reconciler.snapshot().get('web')?.own?.haproxy;
  says.set({ haproxy: { backend_order: 'desc' } });
  await vi.waitFor(() => expect(section()).toEqual({ backend_order: 'desc', port: 80 }));
  says.set({});
  await vi.waitFor(() => expect(section()).toBe(haproxy));
});

test('the port that the registry gives goes to the members, and not to the section', async () => {
  const web = followed('web');
  const says = createLatest<Readonly<Record<string, object>>>();
  const haproxy = { port: 80 } as never;
  const { driver } = recorder();
  const reconciler = start(
    [
      {
        ...web,
        service: { ...web.service, own: { haproxy } },
        overrides: (signal) => says.values(signal),
      },
    ],
    driver,
  );
  const served = () => reconciler.snapshot().get('web');
  web.lists.set(one('a'));
  says.set({ haproxy: { server_port_override: 9000 } });
  await vi.waitFor(() => expect(served()?.instances).toMatchObject([{ host: 'a', port: 9000 }]));
  expect(served()?.own?.haproxy).toBe(haproxy);
  says.set({});
  await vi.waitFor(() => expect(served()?.instances).toEqual(one('a')));
});
