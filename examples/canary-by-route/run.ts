import { ask, tally } from '../../test/policy/world.fixture.ts';
import { say, sayReloads } from '../traffic/figures.ts';
import { play } from '../traffic/play.ts';

const requests = 1000;

await play('canary-by-route', async (scene) => {
  const port = scene.port('web');
  const testers = await tally(100, () => ask(port, '/', { headers: { 'x-canary': 'true' } }));
  say('100 requests with x-canary: true', testers);
  for (const share of [5, 25, 75, 100, 0]) {
    if (share !== 5)
      await scene.change('web', 1, ({ to: [v1, v2] }) => {
        if (v1) v1.weight = 100 - share;
        if (v2) v2.weight = share;
      });
    say(`${requests} requests, ${share} of 100 to v2`, await tally(requests, () => ask(port)));
  }
  sayReloads(await scene.isSameProcess());
});
