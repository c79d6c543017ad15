import { describe, expect, test, vi } from 'vitest';

import { forms, names, ofReads, soon, useHostileZooKeeper } from './lying-zookeeper.ts';

vi.setConfig({ testTimeout: 60_000 });

const place = useHostileZooKeeper();
const { start, recordsAt } = place;

describe.each(forms)('a ZooKeeper that answers a creation of a %s node with', (node_type) => {
  test.each(names)('%s: the others go on, and one record is there once it works', async (lie) => {
    const scene = await start({ keys: { node_type } });
    await scene.standing('near', 'broken');
    await scene.nerve.down('broken', {});
    await vi.waitFor(async () => expect(await recordsAt('broken')).toEqual([]), soon);
    const [record] = await recordsAt('near');
    scene.force(lie, 'create');
    const forced = scene.forcedOnce();
    await scene.nerve.up('broken', {});
    await forced;
    await scene.nearGoesOn();
    place.hostile.judge = undefined;
    await scene.standing('near', 'broken');
    expect(await recordsAt('near')).toEqual([record]);
  });
});

describe('a ZooKeeper that answers what a hand-off left with', () => {
  test.each(ofReads)(
    '%s: the others are taken over, and one record is there once it works',
    async (lie) => {
      const first = await start();
      await first.standing('near', 'broken');
      const before = await recordsAt('near');
      const tickets = await first.handOff();
      first.force(lie, 'get', 'exists', 'list');
      const forced = first.forcedOnce();
      const next = await start({ resume: tickets });
      await forced;
      await next.goOnBesideRead(lie);
      place.hostile.judge = undefined;
      await next.nearGoesOn();
      await next.standing('near', 'broken');
      expect(await recordsAt('near')).toEqual(before);
    },
  );
});
