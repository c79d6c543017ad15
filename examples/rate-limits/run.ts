import { ask, tally } from '../../test/policy/world.fixture.ts';
import { say, sayReloads } from '../traffic/figures.ts';
import { play } from '../traffic/play.ts';

await play('rate-limits', async (scene) => {
  const port = scene.port('search');
  const from = (client: string) => () => ask(port, '/', { headers: { 'x-client': client } });
  say('batch sends 50 requests', await tally(50, from('batch'), 'status'));
  say('shop sends 15 meanwhile', await tally(15, from('shop'), 'status'));
  say('clients without a name send 30 together', await tally(30, () => ask(port), 'status'));
  const { headers } = await from('batch')();
  console.log(`batch is told to try again after ${headers['retry-after']} s`);
  await scene.change('search', 0, ({ rate_limit: limit }) => {
    limit.requests = 40;
  });
  say('the limit is 40 now, and batch sends 50 more', await tally(50, from('batch'), 'status'));
  sayReloads(await scene.isSameProcess());
});
