import { describe, expect, test, vi } from 'vitest';

import { exceptNoNode, names, ofReads, soon, useHostileZooKeeper } from './lying-zookeeper.ts';

vi.setConfig({ testTimeout: 60_000 });

const place = useHostileZooKeeper();
const { start, recordsAt, weightOf } = place;

describe('a ZooKeeper that answers the check of a record with', () => {
  test.each(exceptNoNode(ofReads))(
    '%s: the others go on, and one record is there once it works',
    async (lie) => {
      const scene = await start();
      await scene.standing('near', 'broken');
      const [record] = await recordsAt('near');
      scene.force(lie, 'get', 'exists');
      const forced = scene.forcedOnce();
      // A new connection: every record is looked at again.
      place.hostile.cut();
      await forced;
      await scene.goOnBesideRead(lie);
      place.hostile.judge = undefined;
      await scene.nearGoesOn();
      await scene.standing('near', 'broken');
      expect(await recordsAt('near')).toEqual([record]);
    },
  );
});

describe('a ZooKeeper that answers a change of weight with', () => {
  test.each(names)('%s: the others go on, and it has the weight once it works', async (lie) => {
    const scene = await start();
    await scene.standing('near', 'broken');
    const [record] = await recordsAt('near');
    scene.force(lie, 'set');
    const forced = scene.forcedOnce();
    const told = scene.nerve.weight('broken', '7');
    await forced;
    await scene.nearGoesOn();
    place.hostile.judge = undefined;
    await vi.waitFor(async () => expect(await weightOf('broken')).toBe(7), soon);
    await scene.standing('near', 'broken');
    expect(await recordsAt('near')).toEqual([record]);
    await told;
  });
});
