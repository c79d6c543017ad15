import { say, sayReloads } from '../traffic/figures.ts';
import { playIn } from '../traffic/play.ts';
import { openScene } from './scene.ts';

const requests = 350;

await playIn(openScene, async (scene) => {
  const count = async (what: string) =>
    say(`${requests} requests, ${what}`, await scene.answering(requests));
  for (const name of ['web-1', 'web-2', 'web-3']) await scene.register(name);
  await count('three copies pass');
  await scene.report('web-2', 'warning');
  await count('web-2 warns');
  await scene.report('web-3', 'critical');
  await count('web-3 is critical');
  await scene.report('web-3', 'passing');
  await scene.maintain('web-1');
  await count('web-3 passes again and web-1 is in maintenance');
  sayReloads(await scene.isSameProcess());
});
