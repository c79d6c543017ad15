import { ask, tally } from '../../test/policy/world.fixture.ts';
import { say, sayReloads } from '../traffic/figures.ts';
import { play } from '../traffic/play.ts';
import type { Scene } from '../traffic/scene.ts';

await play('blue-green', async (scene) => {
  const port = scene.port('web');
  const preview = { headers: { 'x-color': 'green' } };
  say('200 requests', await tally(200, () => ask(port)));
  say('20 requests with x-color: green', await tally(20, () => ask(port, '/', preview)));

  for (const name of ['blue-1', 'blue-2']) reportSlowly(scene, name);
  const reports = [ask(port, '/report'), ask(port, '/report')];
  const load = startLoad(port);
  await turn(scene, { blue: 0, green: 1 });
  say('200 requests after the switch', await tally(200, () => ask(port)));
  const finished = (await Promise.all(reports)).map(({ body }) => body);
  say('reports that were under way', countOf(finished));
  await turn(scene, { blue: 1, green: 0 });
  say('200 requests after the switch back', await tally(200, () => ask(port)));
  say('other requests meanwhile, by status', await load.end());
  sayReloads(await scene.isSameProcess());
});

function turn(scene: Scene, weights: { readonly blue: number; readonly green: number }) {
  return scene.change('web', 1, ({ to: [blue, green] }) => {
    if (blue) blue.weight = weights.blue;
    if (green) green.weight = weights.green;
  });
}

/** A report takes a member a second. */
function reportSlowly(scene: Scene, name: string): void {
  scene.member(name).behave(({ url }, response) => {
    setTimeout(() => response.end(name), url === '/report' ? 1000 : 0);
  });
}

/** Requests without a pause until it is ended; answers how they were answered. */
function startLoad(port: number) {
  const statuses: number[] = [];
  let isEnded = false;
  const sent = (async () => {
    while (!isEnded) statuses.push((await ask(port)).status);
  })();
  return {
    end: async () => {
      isEnded = true;
      await sent;
      return countOf(statuses);
    },
  };
}

function countOf(answers: readonly (string | number)[]): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const answer of answers) counts[answer] = (counts[answer] ?? 0) + 1;
  return counts;
}
