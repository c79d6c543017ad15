import { ask } from '../../test/policy/world.fixture.ts';
import { say, sayReloads } from '../traffic/figures.ts';
import { play } from '../traffic/play.ts';
import type { Scene } from '../traffic/scene.ts';

const requests = 400;

await play('game-day', async (scene) => {
  await show(scene, 'before', '/orders/1');
  await inject(scene, { delay: '25%', abort: '0%' });
  await show(scene, '25% wait 200 ms', '/orders/1');
  await inject(scene, { delay: '0%', abort: '10%' });
  await show(scene, '10% are answered with 503', '/orders/1');
  await show(scene, 'other paths meanwhile', '/health');
  await inject(scene, { delay: '0%', abort: '0%' });
  await show(scene, 'after', '/orders/1');
  sayReloads(await scene.isSameProcess());
});

function inject(scene: Scene, shares: { readonly delay: string; readonly abort: string }) {
  return scene.change('checkout', 0, ({ fault }) => {
    fault.delay.share = shares.delay;
    fault.abort.share = shares.abort;
  });
}

/** Several at a time, since some wait. */
async function show(scene: Scene, when: string, path: string): Promise<void> {
  const counts = { answered: 0, failed: 0, late: 0 };
  const lane = async () => {
    for (let i = 0; i < requests / 8; i++) {
      const { status, took } = await ask(scene.port('checkout'), path);
      if (status === 200) counts.answered += 1;
      else counts.failed += 1;
      if (took >= 200) counts.late += 1;
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  say(`${when}, ${requests} requests`, counts);
}
