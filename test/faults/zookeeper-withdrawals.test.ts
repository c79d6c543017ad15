import { describe, expect, test, vi } from 'vitest';

import { exceptNoNode, forms, names, soon, useHostileZooKeeper } from './lying-zookeeper.ts';

vi.setConfig({ testTimeout: 60_000 });

const place = useHostileZooKeeper();
const { start, recordsAt } = place;

describe.each(forms)('a ZooKeeper that answers a withdrawal of a %s node with', (node_type) => {
  test.each(exceptNoNode(names))(
    '%s: the others go on, and it is gone once it works',
    async (lie) => {
      const scene = await start({ keys: { node_type } });
      await scene.standing('near', 'broken');
      const [record] = await recordsAt('near');
      scene.force(lie, 'delete');
      const forced = scene.forcedOnce();
      await scene.nerve.down('broken', {});
      await forced;
      await scene.nearGoesOn();
      place.hostile.judge = undefined;
      await vi.waitFor(async () => expect(await recordsAt('broken')).toEqual([]), soon);
      await vi.waitFor(
        async () => expect(await scene.line('broken')).toMatchObject({ may_stand: false }),
        soon,
      );
      expect(await recordsAt('near')).toEqual([record]);
      await scene.nerve.up('broken', {});
      await scene.standing('near', 'broken');
    },
  );
});
