import type { Announcement, OpenedRegistries } from '@smartstack/registry';
import { describe, expect, test, vi } from 'vitest';

import { soon, startForced } from './nerve.ts';

vi.setConfig({ testTimeout: 40_000 });

const fail = () => {
  throw new Error('a defect');
};
const ways = { throws: fail, rejects: async () => fail() } as const;
const keysOf = {
  zookeeper: { zk_hosts: ['127.0.0.1:1'], zk_path: '/w' },
  etcd: { reporter_type: 'etcd', etcd_host: '127.0.0.1', etcd_port: 1 },
  file: { reporter_type: 'file', directory: '/nowhere', path: 'w' },
} as const;
const types = Object.keys(keysOf) as (keyof typeof keysOf)[];

/** A whole registry of any kind, whose steps can be replaced. */
function wholeRegistry(steps: {
  readonly announce?: () => Promise<Announcement>;
  readonly update?: () => Promise<void>;
  readonly withdraw?: () => Promise<void>;
  readonly hasUnclaimed?: () => boolean;
  readonly clear?: () => Promise<void>;
}) {
  const announcement = {
    update: async () => (steps.update ?? (async () => {}))(),
    [Symbol.asyncDispose]: () => (steps.withdraw ?? (async () => {}))(),
  };
  if (steps.update) announcement.update = steps.update;
  const announce = steps.announce ?? (async () => announcement);
  const clear = steps.clear ?? (async () => {});
  return {
    announce,
    announceAs: announce,
    hasUnclaimed: steps.hasUnclaimed ?? (() => false),
    dropUnclaimed: clear,
    clearStale: clear,
  } as never;
}

/** The real registries with this one in place of the broken service's. */
const instead =
  (open: () => never) =>
  (real: OpenedRegistries): OpenedRegistries => ({
    ...real,
    open: (address) =>
      address.type === 'file' && address.directory !== '/nowhere' ? real.open(address) : open(),
    openZooKeeper: open,
    openEtcdV2: open,
  });

const table = types.flatMap((type) =>
  (Object.keys(ways) as (keyof typeof ways)[]).map((way) => [type, way] as const),
);

describe.each(table)('a whole %s reporter whose step %s', (type, way) => {
  const broken = ways[way];
  const start = (steps: Parameters<typeof wholeRegistry>[0]) => {
    const registry = wholeRegistry(steps);
    return startForced(
      keysOf[type],
      instead(() => registry),
    );
  };

  test('announcing: shown, said once, and the others go on', async () => {
    const { broken: line, said, goesOn } = await start({ announce: broken });
    await vi.waitFor(
      async () => expect((await line()).trouble).toBe('cannot announce: a defect'),
      soon,
    );
    await goesOn();
    expect(said()).toHaveLength(1);
  });

  test('changing, then withdrawing: shown, said once each, and the others go on', async () => {
    const { broken: line, said, goesOn, nerve } = await start({ update: broken, withdraw: broken });
    await vi.waitFor(async () => expect((await line()).confirmed).toBe(true), soon);
    await nerve.weight('broken', '7');
    await vi.waitFor(
      async () => expect((await line()).trouble).toBe('cannot announce: a defect'),
      soon,
    );
    await nerve.down('broken', {});
    await vi.waitFor(
      async () => expect((await line()).trouble).toBe('cannot withdraw: a defect'),
      soon,
    );
    await goesOn();
    expect(said().map(({ msg }) => msg)).toEqual(['cannot announce', 'cannot withdraw']);
  });

  test('clearing what an earlier one left: the others go on', async () => {
    const { broken: line, goesOn } = await start({ clear: broken });
    await vi.waitFor(async () => expect((await line()).confirmed).toBe(true), soon);
    await goesOn();
  });
});

test.each(types)(
  'a whole %s reporter that cannot be opened is shown, said once, and stops no other',
  async (type) => {
    const { broken, said, goesOn } = await startForced(keysOf[type], instead(fail));
    expect((await broken()).reason).toBe('cannot be checked and announced: a defect');
    await goesOn();
    expect(said()).toHaveLength(1);
  },
);

test('a registry that cannot say what stands there may have a record, and status shows all', async () => {
  const registry = wholeRegistry({ hasUnclaimed: fail, clear: async () => fail() });
  const { broken, goesOn } = await startForced(
    keysOf.zookeeper,
    instead(() => registry),
  );
  await goesOn();
  expect(await broken()).toMatchObject({ may_stand: true });
});
